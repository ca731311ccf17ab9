//! The archive of a release: programs, manual pages and completions in the layout of `/usr/local`.

use anyhow::Result;
use clap_complete::Shell;

use crate::documents::{self, Kind};
use crate::programs::{self, CLIENTS, Program, SERVER, Source, VERSION};
use crate::tree::{self, Tree};

/// The documents of the archive.
const TEXTS: [&str; 5] = ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// The files for operators, in share/minechat.
pub(crate) const OPERATION: [&str; 20] = [
    "Caddyfile",
    "alerts.yml",
    "cluster/compose.yaml",
    "cluster/haproxy.cfg",
    "cluster/minechat-cluster.conf",
    "cluster/minechat-nats.service",
    "cluster/minechat-nats.sysusers",
    "cluster/nats.conf",
    "cluster/server.toml",
    "fail2ban-filter.conf",
    "fail2ban-jail.conf",
    "grafana-dashboard.json",
    "haproxy-web.cfg",
    "minechat-web.service",
    "minechat.logrotate",
    "minechat.service",
    "minechat.sysusers",
    "nginx.conf",
    "server.toml",
    "install.md",
];

/// Writes `minechat-VERSION-TARGET.tar.gz`.
pub(crate) fn write(source: &Source) -> Result<()> {
    let programs: Vec<Program> = CLIENTS.into_iter().chain([SERVER]).collect();
    let directory = source.build()?;
    let mut tree = Tree::default();
    programs::add(&mut tree, "bin", &directory, &programs)?;
    for document in documents::all()? {
        let directory = match document.kind {
            Kind::Page => "man/man1",
            Kind::Completions(Shell::Bash) => "bash-completion/completions",
            Kind::Completions(Shell::Zsh) => "zsh/site-functions",
            Kind::Completions(_) => "fish/vendor_completions.d",
        };
        tree.file(format!("share/{directory}/{}", document.file_name), document.content);
    }
    for text in TEXTS {
        tree.file(format!("share/doc/minechat/{text}"), programs::repository_file(text)?);
    }
    for file in OPERATION {
        tree.file(format!("share/minechat/{file}"), programs::repository_file(&format!("dist/{file}"))?);
    }
    let name = format!("minechat-{VERSION}-{}", source.target);
    let tar = tree.tar(&format!("{name}/"), programs::time()?)?;
    source.publish(&format!("{name}.tar.gz"), &tree::gzip(&tar)?)
}

#[cfg(test)]
pub(crate) mod tests;
