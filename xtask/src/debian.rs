//! The Debian packages: `minechat` for users, `minechat-server` with the service for operators. The programs are static,
//! so the packages fit every release of Debian and Ubuntu.

use anyhow::{Context as _, Result};
use clap_complete::Shell;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use crate::archive::OPERATION;
use crate::documents::{self, Kind};
use crate::programs::{self, CLIENTS, Program, SERVER, SUMMARY, Source, VERSION};
use crate::tree::{self, Tree};

const MAINTAINER: &str = "minechat contributors <minechat@users.invalid>";

/// What distinguishes the two packages.
struct Package {
    name: &'static str,
    programs: &'static [Program],
    /// The lines of the control file from Depends on.
    relations: &'static str,
    description: &'static str,
    /// Scripts that dpkg runs: name and content.
    scripts: &'static [(&'static str, &'static str)],
    configuration: &'static [(&'static str, &'static str)],
}

const PACKAGES: [Package; 2] = [
    Package {
        name: "minechat",
        programs: &CLIENTS,
        relations: "Suggests: minechat-server\n",
        description: " chat-tui is for people: it joins a room or starts one on this machine. chat-web\n \
                      is the same in a browser. chat is for scripts: it listens, posts, and reports\n \
                      what was confirmed.\n",
        scripts: &[],
        configuration: &[],
    },
    Package {
        name: "minechat-server",
        programs: &[SERVER],
        relations: "Depends: systemd | systemd-standalone-sysusers\nSuggests: logrotate\n",
        description: " A message is confirmed when it is on the disk. The service accepts connections\n \
                      from this machine only until /etc/minechat/server.toml says otherwise.\n",
        scripts: &[
            ("postinst", include_str!("../../dist/debian/postinst")),
            ("prerm", include_str!("../../dist/debian/prerm")),
            ("postrm", include_str!("../../dist/debian/postrm")),
        ],
        configuration: &[
            ("etc/minechat/server.toml", "server.toml"),
            ("etc/logrotate.d/minechat", "minechat.logrotate"),
        ],
    },
];

/// Writes `minechat_VERSION_MACHINE.deb` and `minechat-server_VERSION_MACHINE.deb`.
pub(crate) fn write(source: &Source) -> Result<()> {
    let directory = source.build()?;
    let time = programs::time()?;
    for package in &PACKAGES {
        let mut tree = installed_files(package, time)?;
        programs::add(&mut tree, "usr/bin", &directory, package.programs)?;
        let mut control = Tree::default();
        control.file("control", package.control(source.machine(), tree.size()));
        if !package.configuration.is_empty() {
            let paths = package.configuration.iter().map(|(path, _)| format!("/{path}\n"));
            control.file("conffiles", paths.collect::<String>());
        }
        for (name, script) in package.scripts {
            control.program(*name, *script);
        }
        let members = [
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar.gz", tree::gzip(&control.tar("./", time)?)?),
            ("data.tar.gz", tree::gzip(&tree.tar("./", time)?)?),
        ];
        source.publish(&format!("{}_{VERSION}_{}.deb", package.name, source.machine()), &ar(&members, time))?;
    }
    Ok(())
}

impl Package {
    fn control(&self, machine: &str, size: usize) -> String {
        format!(
            "Package: {}\nVersion: {VERSION}\nArchitecture: {machine}\nMaintainer: {MAINTAINER}\nInstalled-Size: {}\n\
             Section: net\nPriority: optional\n{}Description: {SUMMARY}{}\n{}",
            self.name,
            size.div_ceil(1024),
            self.relations,
            if self.name.ends_with("server") { " (server)" } else { "" },
            self.description,
        )
    }
}

/// Returns all files of a package but the programs.
fn installed_files(package: &Package, time: u64) -> Result<Tree> {
    let mut tree = Tree::default();
    for document in documents::all()? {
        if !package.programs.iter().any(|program| program.name == document.program) {
            continue;
        }
        match document.kind {
            Kind::Page => {
                tree.file(format!("usr/share/man/man1/{}.gz", document.file_name), tree::gzip(&document.content)?);
            }
            Kind::Completions(shell) => {
                let directory = match shell {
                    Shell::Bash => "bash-completion/completions",
                    Shell::Zsh => "zsh/vendor-completions",
                    _ => "fish/vendor_completions.d",
                };
                tree.file(format!("usr/share/{directory}/{}", document.file_name), document.content);
            }
        }
    }
    let documentation = format!("usr/share/doc/{}", package.name);
    tree.file(format!("{documentation}/copyright"), copyright()?);
    tree.file(format!("{documentation}/changelog.gz"), tree::gzip(changelog(package.name, time)?.as_bytes())?);
    tree.file(
        format!("{documentation}/NEWS.md.gz"),
        tree::gzip(programs::repository_file("CHANGELOG.md")?.as_bytes())?,
    );
    for (path, file) in package.configuration {
        tree.file(*path, programs::repository_file(&format!("dist/{file}"))?);
    }
    if package.configuration.is_empty() {
        return Ok(tree);
    }
    let unit = programs::repository_file("dist/minechat.service")?;
    tree.file("usr/lib/systemd/system/minechat.service", unit.replace("/usr/local/bin/", "/usr/bin/"));
    tree.file("usr/lib/sysusers.d/minechat.conf", programs::repository_file("dist/minechat.sysusers")?);
    // The others are installed above, or are about the archive.
    let installed = |file: &str| file.starts_with("minechat.") || file == "server.toml" || file == "install.md";
    for file in OPERATION.into_iter().filter(|file| !installed(file)) {
        tree.file(format!("{documentation}/examples/{file}"), programs::repository_file(&format!("dist/{file}"))?);
    }
    Ok(tree)
}

fn copyright() -> Result<String> {
    let mit = programs::repository_file("LICENSE-MIT")?;
    let (notice, text) = mit.split_once("\n\nPermission").context("LICENSE-MIT has no notice")?;
    let holder = notice.lines().last().unwrap_or_default().trim_start_matches("Copyright (c) ");
    let text: String = format!("Permission{text}")
        .lines()
        .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
        .collect();
    Ok(format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: minechat\n\nFiles: *\n\
         Copyright: {holder}\nLicense: Expat or Apache-2.0\n\nLicense: Expat\n{text}\nLicense: Apache-2.0\n On Debian systems \
         the text is in /usr/share/common-licenses/Apache-2.0.\n"
    ))
}

/// Returns the changelog in Debian's format, which names the one for people.
fn changelog(package: &str, time: u64) -> Result<String> {
    let time = Timestamp::from_second(i64::try_from(time)?)?.to_zoned(TimeZone::UTC);
    Ok(format!(
        "{package} ({VERSION}) unstable; urgency=medium\n\n  * See /usr/share/doc/{package}/NEWS.md.gz.\n\n -- {MAINTAINER}  {}\n",
        rfc2822::to_string(&time)?
    ))
}

/// Returns an `ar` file, which is what a Debian package is outside.
fn ar(members: &[(&str, Vec<u8>)], time: u64) -> Vec<u8> {
    let mut file = b"!<arch>\n".to_vec();
    for (name, content) in members {
        file.extend(
            format!("{name:<16}{time:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, "100644", content.len()).into_bytes(),
        );
        file.extend(content);
        if content.len() % 2 == 1 {
            file.push(b'\n');
        }
    }
    file
}

#[cfg(test)]
mod tests;
