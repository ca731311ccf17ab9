//! The Homebrew formula of a release, which needs the address and the checksum of its source archive.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::programs::{self, VERSION, sha256};

/// Returns the formula for a source archive that is a file here and will be at `url`.
pub(crate) fn formula(url: &str, archive: &Path) -> Result<String> {
    let (scheme, rest) = url.split_once("://").with_context(|| format!("{url} is not an address: write https://…"))?;
    ensure!(scheme == "https", "{url} is not encrypted: use https");
    let content = fs::read(archive).with_context(|| format!("could not read {}", archive.display()))?;
    // The repository of an archive at a code host: the first three parts of its address.
    let homepage: Vec<&str> = rest.split('/').take(3).collect();
    let formula = programs::repository_file("dist/homebrew/minechat.rb")?
        .replace("@HOMEPAGE@", &format!("https://{}", homepage.join("/")))
        .replace("@URL@", url)
        .replace("@VERSION@", VERSION)
        .replace("@SHA256@", &sha256(&content));
    // Without the comment about the template.
    Ok(formula.split_once('\n').map_or(String::new(), |(_, formula)| formula.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_address_and_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("source.tar.gz");
        fs::write(&archive, "source").unwrap();
        let formula = formula("https://code.example/team/minechat/archive/v1.tar.gz", &archive).unwrap();
        for line in [
            "  homepage \"https://code.example/team/minechat\"",
            "  url \"https://code.example/team/minechat/archive/v1.tar.gz\"",
            &format!("  sha256 \"{}\"", sha256(b"source")),
        ] {
            assert!(formula.lines().any(|found| found == line), "{formula}");
        }
        assert!(!formula.contains('@'), "{formula}");
    }

    #[test]
    fn refuses_an_address_that_is_not_encrypted() {
        assert!(formula("http://code.example/a.tar.gz", Path::new("/nonexistent")).is_err());
        assert!(formula("code.example/a.tar.gz", Path::new("/nonexistent")).is_err());
    }
}
