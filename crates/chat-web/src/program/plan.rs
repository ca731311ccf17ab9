//! What the options mean together, decided before anything is opened.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use chat_client::{ClientConfig, Layer, Settings, Side};
use chat_frontend::local_room::{LocalRoom, LocalRoomPolicy, RoomNotice};
use chat_frontend::report::chain;
use private_files::FileVersions;
use tokio::sync::mpsc::Sender;

use crate::command_line::options::{LogSetting, ProxyHeaderSetting, WebOptions};
use crate::command_line::value::RateOption;
use crate::gateway::GatewayConfig;
use crate::http::visitor::{ProxyHeaderName, PublicUrl};
use crate::net::tls::WebCertificate;

/// The usual port. A page of http://127.0.0.1:8080 is an origin of its own.
const PORT: u16 = 8080;

/// What the program will do.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) http: SocketAddr,
    pub(super) certificate: Option<WebCertificate>,
    /// Of the files of the certificate, from before they were read.
    pub(super) certificate_versions: FileVersions,
    pub(super) public_url: Option<PublicUrl>,
    pub(super) metrics: Option<SocketAddr>,
    pub(super) log: LogSetting,
    pub(super) share: Option<IpAddr>,
    pub(super) client: ClientConfig,
    options: WebOptions,
    policy: LocalRoomPolicy,
    /// The directory of the local room.
    pub(super) data_dir: PathBuf,
    credentials: PathBuf,
}

impl Plan {
    /// Checks the options. An error is a sentence for the person who wrote them.
    pub(super) fn new(options: WebOptions) -> Result<Self, String> {
        let certificate_versions = FileVersions::of([&options.tls_cert, &options.tls_key].into_iter().flatten());
        let certificate = match (&options.tls_cert, &options.tls_key) {
            (None, None) => None,
            (Some(chain_file), Some(key)) => {
                Some(WebCertificate::from_files(chain_file, key).map_err(|error| chain(&error))?)
            }
            _ => return Err("--tls-cert and --tls-key belong together".to_owned()),
        };
        let public_url = options.public_url.as_deref().map(str::parse).transpose();
        let public_url = public_url.map_err(|error| format!("--public-url: {error}"))?;
        let http = http_address(&options);
        check_exposure(&options, http, certificate.is_some())?;
        let settings = Settings::load(layer(&options), None).map_err(|error| chain(&error))?;
        let client = settings.client_config();
        client.checked_host(Side::Listen).map_err(|error| chain(&error))?;
        let has_data_dir = !settings.data_dir.as_os_str().is_empty();
        let policy = match (options.share, options.no_local_room, options.local_room) {
            (Some(address), ..) => LocalRoomPolicy::Shared(address),
            (None, Some(true), _) => LocalRoomPolicy::Never,
            (None, _, Some(true)) => LocalRoomPolicy::Always,
            _ if !has_data_dir => LocalRoomPolicy::Never,
            _ => LocalRoomPolicy::Automatic,
        };
        if !has_data_dir && policy != LocalRoomPolicy::Never {
            return Err("no home directory found, so the local room has no place; --data-dir names one".to_owned());
        }
        Ok(Self {
            http,
            certificate,
            certificate_versions,
            public_url,
            metrics: options.metrics,
            log: options.log.unwrap_or_default(),
            share: options.share,
            client,
            policy,
            credentials: settings.credentials_path.clone(),
            data_dir: settings.data_dir,
            options,
        })
    }

    /// Returns the files of the certificate, the chain first.
    pub(super) fn certificate_files(&self) -> Option<[PathBuf; 2]> {
        Some([self.options.tls_cert.clone()?, self.options.tls_key.clone()?])
    }

    /// Joins or starts the room of this machine, if it is to be one. Must be called within a runtime.
    pub(super) fn open_room(&self, notices: Sender<RoomNotice>) -> Result<LocalRoom, String> {
        if self.policy != LocalRoomPolicy::Never {
            chat_client::paths::create_private(&self.data_dir)
                .map_err(|error| format!("could not create {}: {}", self.data_dir.display(), chain(&error)))?;
        }
        Ok(LocalRoom::open(self.policy, &self.client, &self.data_dir, &self.credentials, notices))
    }

    /// Returns the configuration of the gateway.
    pub(super) fn gateway_config(&self) -> GatewayConfig {
        let mut config = GatewayConfig::new(self.client.clone());
        config.announce_browsers = self.options.send_proxy == Some(true);
        config.public_url.clone_from(&self.public_url);
        config.proxies = self.options.behind_proxy.clone().map(|networks| networks.0).unwrap_or_default();
        if self.options.proxy_header == Some(ProxyHeaderSetting::Forwarded) {
            config.proxy_header = ProxyHeaderName::Forwarded;
        }
        config.proxy_from = self.options.proxy_from.clone().map(|networks| networks.0).unwrap_or_default();
        if let Some(RateOption(rate)) = self.options.register_rate {
            config.register_rate = rate;
        }
        if let Some(RateOption(rate)) = self.options.post_rate {
            config.post_rate = rate;
        }
        config
    }
}

/// Returns where browsers connect: a shared room is shared with its page.
fn http_address(options: &WebOptions) -> SocketAddr {
    match (options.http, options.share) {
        (Some(address), _) => address,
        (None, Some(ip)) => SocketAddr::new(ip, PORT),
        (None, None) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT),
    }
}

/// Refuses to send tokens over a network in the clear, unless that was asked for.
fn check_exposure(options: &WebOptions, http: SocketAddr, has_certificate: bool) -> Result<(), String> {
    let is_covered = http.ip().to_canonical().is_loopback()
        || has_certificate
        || options.behind_proxy.is_some()
        || options.proxy_from.is_some()
        || options.plain_http == Some(true)
        // Sharing says so itself, in its description and in its warning.
        || options.share.is_some_and(|ip| ip == http.ip());
    if is_covered {
        return Ok(());
    }
    Err(format!(
        "{http} is not a loopback address, and messages and tokens would be sent unencrypted: use --tls-cert and --tls-key, \
         or --behind-proxy or --proxy-from with the network of a proxy that encrypts, or --plain-http to do it nevertheless"
    ))
}

fn layer(options: &WebOptions) -> Layer {
    let mut layer = Layer::default();
    layer.host.clone_from(&options.host);
    layer.listen_port = options.listen_port;
    layer.write_port = options.write_port;
    layer.tls = options.tls;
    layer.ca_file.clone_from(&options.ca_file);
    layer.pin.clone_from(&options.pin);
    layer.data_dir.clone_from(&options.data_dir);
    layer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(http: &str) -> WebOptions {
        WebOptions { http: Some(http.parse().unwrap()), data_dir: Some("/nowhere".into()), ..WebOptions::default() }
    }

    #[test]
    fn tokens_do_not_cross_a_network_in_the_clear() {
        let refused = Plan::new(options("0.0.0.0:8080")).unwrap_err();
        assert!(refused.contains("--behind-proxy") && refused.contains("--plain-http"), "{refused}");
        for covered in [
            options("127.0.0.1:8080"),
            options("[::1]:8080"),
            WebOptions { plain_http: Some(true), ..options("0.0.0.0:8080") },
            WebOptions { behind_proxy: Some("10.0.0.0/8".parse().unwrap()), ..options("0.0.0.0:8080") },
            WebOptions { proxy_from: Some("10.0.0.1".parse().unwrap()), ..options("0.0.0.0:8080") },
            WebOptions { share: Some([0, 0, 0, 0].into()), ..options("0.0.0.0:8080") },
        ] {
            Plan::new(covered).unwrap();
        }
    }

    #[test]
    fn sharing_opens_the_page_too() {
        let shared =
            WebOptions { share: Some([0, 0, 0, 0].into()), data_dir: Some("/nowhere".into()), ..WebOptions::default() };
        let plan = Plan::new(shared).unwrap();
        assert_eq!(plan.http, "0.0.0.0:8080".parse().unwrap());
        assert_eq!(plan.policy, LocalRoomPolicy::Shared([0, 0, 0, 0].into()));
    }
}
