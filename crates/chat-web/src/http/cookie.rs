//! The account of a browser, in a cookie that no script can read.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chat_client::{Nickname, Token};

use super::visitor::Visitor;

/// How long a browser keeps the cookie: the longest time that browsers allow.
const DAYS: i64 = 400;

/// The account in the cookie of a browser. The token is not checked; the nickname is for its own user only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CookieAccount {
    pub(crate) token: Token,
    pub(crate) nickname: Nickname,
}

impl CookieAccount {
    /// Reads the account of a request.
    pub(crate) fn read(jar: &CookieJar, visitor: &Visitor) -> Option<Self> {
        let (token, nickname) = jar.get(&name(visitor))?.value().split_once('.')?;
        Some(Self { token: Token::new(&decode(token)?).ok()?, nickname: Nickname::new(&decode(nickname)?).ok()? })
    }

    /// Returns the cookie of the account.
    pub(crate) fn cookie(&self, visitor: &Visitor) -> Cookie<'static> {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let value = format!("{}.{}", encode(self.token.expose()), encode(self.nickname.as_str()));
        build(visitor, &value, DAYS * 24 * 60 * 60)
    }
}

/// Returns the cookie that removes the account.
pub(crate) fn removal(visitor: &Visitor) -> Cookie<'static> {
    build(visitor, "", 0)
}

/// Returns the name of the cookie. Browsers keep one set of cookies for all ports of a host.
fn name(visitor: &Visitor) -> String {
    let prefix = if visitor.secure { "__Host-" } else { "" };
    format!("{prefix}minechat-{}", visitor.port)
}

fn build(visitor: &Visitor, value: &str, seconds: i64) -> Cookie<'static> {
    let mut cookie = Cookie::new(name(visitor), value.to_owned());
    // The attributes are parsed, because a duration would be a type of another crate.
    if let Ok(age) = Cookie::parse(format!("a=b; Max-Age={seconds}")) {
        cookie.set_max_age(age.max_age());
    }
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Strict);
    cookie.set_secure(visitor.secure);
    cookie
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(secure: bool, port: u16) -> Visitor {
        Visitor { address: [127, 0, 0, 1].into(), origin: String::new(), secure, port }
    }

    fn account() -> CookieAccount {
        let token = Token::new("9a08f44c-c541-41eb-8c47-0242ac110002").unwrap();
        CookieAccount { token, nickname: Nickname::new("Кеен; Bob=\"x\"").unwrap() }
    }

    #[test]
    fn carries_the_account() {
        let visitor = visitor(false, 8080);
        let jar = CookieJar::new().add(account().cookie(&visitor));
        assert_eq!(CookieAccount::read(&jar, &visitor), Some(account()));
        // Another gateway on another port of the same host has a cookie of its own.
        assert_eq!(CookieAccount::read(&jar, &self::visitor(false, 8081)), None);
    }

    #[test]
    fn no_script_and_no_other_site_gets_it() {
        let plain = account().cookie(&visitor(false, 8080)).to_string();
        for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=34560000"] {
            assert!(plain.contains(attribute), "{plain}");
        }
        assert!(!plain.contains("Secure") && plain.starts_with("minechat-8080="), "{plain}");
        let secure = account().cookie(&visitor(true, 443)).to_string();
        assert!(secure.starts_with("__Host-minechat-443=") && secure.contains("; Secure"), "{secure}");
        assert!(removal(&visitor(false, 8080)).to_string().contains("Max-Age=0"));
    }

    #[test]
    fn damaged_cookies_are_no_account() {
        let visitor = visitor(false, 8080);
        for value in ["", ".", "x", "QQ", "QQ.", ".QQ", "Q!.QQ", "QQ.QQ.QQ", "_w.QQ"] {
            let jar = CookieJar::new().add(Cookie::new("minechat-8080", value));
            assert_eq!(CookieAccount::read(&jar, &visitor), None, "{value}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        assert!(!format!("{:?}", account()).contains("9a08"));
    }
}
