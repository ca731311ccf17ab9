use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::Value;

use super::layout;
use crate::programs::{VERSION, repository_file, sha256};

/// Returns the files of a tar file by their path.
fn files(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().display().to_string(), content)
    });
    entries.collect()
}

#[test]
fn every_descriptor_matches_its_blob() {
    let image = files(&layout(b"a layer", "amd64", 1_000_000_000).unwrap());
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        let content = image[&format!("blobs/sha256/{digest}")].clone();
        assert_eq!((sha256(&content).as_str(), Some(content.len() as u64)), (digest, descriptor["size"].as_u64()));
        content
    };
    let index: Value = serde_json::from_slice(&image["index.json"]).unwrap();
    let manifest: Value = serde_json::from_slice(&blob(&index["manifests"][0])).unwrap();
    let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
    let mut layer = Vec::new();
    flate2::read::GzDecoder::new(blob(&manifest["layers"][0]).as_slice()).read_to_end(&mut layer).unwrap();
    assert_eq!(layer, b"a layer");
    assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", sha256(b"a layer")));
    assert_eq!(config["created"], "2001-09-09T01:46:40Z");
    assert_eq!(config["config"]["Healthcheck"]["Test"][1], "/bin/chat");
}

#[test]
fn docker_finds_the_same_blobs() {
    let image = files(&layout(b"a layer", "amd64", 0).unwrap());
    let docker: Value = serde_json::from_slice(&image["manifest.json"]).unwrap();
    assert!(image.contains_key(docker[0]["Config"].as_str().unwrap()));
    assert!(image.contains_key(docker[0]["Layers"][0].as_str().unwrap()));
}

#[test]
fn the_documents_name_this_version() {
    for file in ["dist/cluster/compose.yaml", "docs/operating.md"] {
        let text = repository_file(file).unwrap();
        let tags: Vec<&str> =
            text.match_indices("minechat-server:").map(|(at, name)| &text[at + name.len()..]).collect();
        assert!(!tags.is_empty() && tags.iter().all(|tag| tag.starts_with(&format!("{VERSION}\n"))), "{file}");
    }
}
