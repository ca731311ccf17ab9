//! The container image of `chat-server`: nothing but the static programs, no shell, no user but one without rights. The
//! file is an OCI layout and a Docker archive at once, so that `podman load`, `docker load` and `skopeo` read it. No
//! daemon is needed to write it.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::programs::{self, CLIENTS, SERVER, SUMMARY, Source, VERSION, sha256};
use crate::tree::{self, Tree};

/// The user of the server, as in other images without a user database.
const USER: u64 = 65532;

const DATA: &str = "var/lib/minechat";

/// Where backups go. A new volume belongs to the owner of the directory at which it is mounted.
const BACKUP: &str = "backup";

/// Writes `minechat-server-VERSION-MACHINE.oci.tar`.
pub(crate) fn write(source: &Source) -> Result<()> {
    let programs = [CLIENTS[0], SERVER];
    let directory = source.build()?;
    let time = programs::time()?;
    let mut root = Tree::default();
    programs::add(&mut root, "bin", &directory, &programs)?;
    root.private_directory(DATA, USER);
    root.private_directory(BACKUP, USER);
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        root.file(format!("usr/share/doc/minechat/{licence}"), programs::repository_file(licence)?);
    }
    let image = layout(&root.tar("", time)?, source.machine(), time)?;
    source.publish(&format!("minechat-server-{VERSION}-{}.oci.tar", source.machine()), &image)
}

fn layout(layer: &[u8], machine: &str, time: u64) -> Result<Vec<u8>> {
    let compressed = tree::gzip(layer)?;
    let created = Timestamp::from_second(i64::try_from(time)?)?.to_string();
    let config = json!({
        "architecture": machine,
        "os": "linux",
        "created": created,
        "config": {
            "User": format!("{USER}:{USER}"),
            "ExposedPorts": { "5000/tcp": {}, "5050/tcp": {} },
            "Volumes": { format!("/{DATA}"): {} },
            "WorkingDir": format!("/{DATA}"),
            "Entrypoint": [
                "/bin/chat-server", "--listen", "0.0.0.0:5000", "--write", "0.0.0.0:5050", "--data-dir", format!("/{DATA}"),
            ],
            "StopSignal": "SIGTERM",
            // Not part of the OCI configuration; Docker and Podman read it. Durations are in nanoseconds.
            "Healthcheck": {
                "Test": ["CMD", "/bin/chat", "ping", "--no-retry"],
                "Interval": 30_000_000_000_u64,
                "Timeout": 10_000_000_000_u64,
                "StartPeriod": 60_000_000_000_u64,
                "Retries": 3,
            },
            "Labels": {
                "org.opencontainers.image.title": "minechat-server",
                "org.opencontainers.image.description": SUMMARY,
                "org.opencontainers.image.version": VERSION,
                "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
                "org.opencontainers.image.created": created,
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", sha256(layer))] },
        "history": [{ "created": created, "created_by": "xtask image" }],
    })
    .to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", config.as_bytes()),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &compressed)],
    })
    .to_string();
    let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", manifest.as_bytes());
    entry["platform"] = json!({ "architecture": machine, "os": "linux" });
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": VERSION });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry],
    });
    let docker = json!([{
        "Config": blob(config.as_bytes()),
        "RepoTags": [format!("minechat-server:{VERSION}")],
        "Layers": [blob(&compressed)],
    }]);
    let mut files = Tree::default();
    files.file("oci-layout", json!({ "imageLayoutVersion": "1.0.0" }).to_string());
    files.file("index.json", index.to_string());
    files.file("manifest.json", docker.to_string());
    for content in [config.into_bytes(), manifest.into_bytes(), compressed] {
        files.file(blob(&content), content);
    }
    files.tar("", time)
}

fn blob(content: &[u8]) -> String {
    format!("blobs/sha256/{}", sha256(content))
}

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": format!("sha256:{}", sha256(content)), "size": content.len() })
}

#[cfg(test)]
mod tests;
