//! Writes the seed corpora of the fuzz targets into `fuzz/corpus`, which is not kept in the repository: the transcripts of
//! `docs/protocol.md` in the form that the targets read, and a small file of each kind.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use chat_client::{Nickname, PostId, Text};
use chat_server::replication::{BatchEntry, ChainLink, Generation, ProposedBatch};
use chat_server::{ActionDraft, Author, Draft, OperatorAction, TokenHash};

fn main() -> Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("testkit has no parent directory")?;
    let specification = workspace.join("docs/protocol.md");
    let text =
        fs::read_to_string(&specification).with_context(|| format!("could not read {}", specification.display()))?;
    let corpus = Corpus { dir: workspace.join("fuzz/corpus") };
    corpus.write_transcripts(&text)?;
    corpus.write_files()
}

struct Corpus {
    dir: PathBuf,
}

impl Corpus {
    fn write_transcripts(&self, specification: &str) -> Result<()> {
        let blocks = specification.split("\n```transcript ").skip(1);
        let mut count = 0;
        for (number, block) in blocks.enumerate() {
            let block = block.split("\n```").next().unwrap_or_default();
            let port = block.lines().next().unwrap_or_default();
            let side = match port.trim() {
                "write" => "writer",
                "listen" => "listener",
                _ => bail!("transcript {number} has the unknown port {port:?}"),
            };
            // The line after the port is the title.
            let (server, client) = scripts(block.lines().skip(2));
            self.write(&format!("{side}_server"), &format!("t{number}"), &server)?;
            // The first byte chooses the kind of client.
            for kind in 0..4u8 {
                let content = format!("{}{client}", char::from(kind));
                self.write(&format!("{side}_client"), &format!("t{number}-{kind}"), &content)?;
            }
            // The first byte is the size of the pieces.
            self.write("codec", &format!("t{number}"), format!("\u{7}{server}\n{client}"))?;
            count += 1;
        }
        anyhow::ensure!(count > 0, "no transcript in docs/protocol.md");
        Ok(())
    }

    fn write_files(&self) -> Result<()> {
        let hostile = "a\u{1b}[31m\u{202e}\u{301}\u{301} \u{1f468}\u{200d}\u{1f469} \t\r\n\u{2028}";
        self.write("cleaning", "mixed", hostile)?;
        let history = "[14.01.23 17:07] Vlad: text\nno stamp\n[14.01.23 17:08] Bob: two\u{240a}lines\n[14.01.2";
        self.write("history", "original", history)?;
        let accounts = "{\"nickname\": \"Keen Bob\", \"account_hash\": \"9a08\", \"more\": 1}\nnot json\n";
        self.write("credentials", "original", accounts)?;
        let profiles = "[profile.default]\nhost = \"h\"\nlisten_port = 1\n[profile.work]\ntls = true\n";
        self.write("configuration", "profiles", profiles)?;
        let server = "listen = \"0.0.0.0:5000\"\ndata-dir = \"d\"\nmax-connections = 0x10\npost-rate = \"20:200\"\n\
                      stall = 1.5\nstrict = true\nlog-format = \"json\"\ntls-listen = \"[::]:1\"\ntls-cert = \"c\"\n";
        self.write("server_configuration", "all", server)?;
        let export = "{\"type\":\"room\",\"format\":1,\"streams\":[{\"id\":\"k3f9\",\"first\":1}]}\n\
                      {\"type\":\"message\",\"seq\":1,\"at\":5,\"account\":1,\"nick\":\"Bob\",\"id\":\"a\",\"text\":\"x\"}\n\
                      {\"type\":\"action\",\"number\":1,\"at\":6,\"head\":1,\"by\":\"root\",\"action\":\"remove\",\"seqs\":[1]}\n\
                      {\"type\":\"end\",\"accounts\":0,\"messages\":1,\"actions\":1}\n";
        self.write("room_export", "all", export)?;
        self.write("room_export", "history", history)?;
        self.write("plain_lines", "two", "Keen Bob: hello\nсмелая Аня: привет: да\n")?;
        self.write("plain_lines", "odd", " Bob : x\nno sender\n: y\nBob: \u{301}\n")?;
        self.write_batch()
    }

    /// Writes a batch with an entry of each kind, without its checksum, which the target adds.
    fn write_batch(&self) -> Result<()> {
        let (generation, nickname) = (Generation::from_bytes([1; 16]), Nickname::new("Keen Bob")?);
        let token = TokenHash::from_bytes([2; 32]);
        let author = Arc::new(Author { id: 1, nickname: nickname.clone() });
        let action = OperatorAction::Rename { account: 1, nickname: "Keen Bob".into(), to: "Calm Bob".into() };
        let drafts = [
            Draft::Account { token, nickname: nickname.clone() },
            Draft::Post { author, id: Some(PostId::new("p1")?), text: Text::new("hello")? },
            Draft::Action(ActionDraft { actor: nickname, reason: Some(Text::new("asked")?), action }),
        ];
        let mut entries: Vec<_> = drafts.iter().map(BatchEntry::of).collect();
        entries.extend([BatchEntry::Expire { through: 300 }, BatchEntry::Barrier]);
        let base = ChainLink::beginning(generation);
        let batch = ProposedBatch { generation, epoch: 3, number: 1, at: 1_700_000_000_000, base, entries };
        let bytes = batch.encode()?;
        self.write("batch", "all", &bytes[..bytes.len() - 4])
    }

    fn write(&self, target: &str, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
        let dir = self.dir.join(target);
        fs::create_dir_all(&dir).with_context(|| format!("could not create {}", dir.display()))?;
        let path = dir.join(name);
        fs::write(&path, content).with_context(|| format!("could not write {}", path.display()))
    }
}

/// Returns the inputs of the server and of the client of a transcript, in the form of `chat_fuzz::play`: lines of the
/// peer, `~` with seconds that pass, `!` with a command, `$` for the end of the stream.
fn scripts<'a>(steps: impl Iterator<Item = &'a str>) -> (String, String) {
    let (mut server, mut client) = (Vec::new(), Vec::new());
    for step in steps {
        let line = || step.get(3..).unwrap_or_default().replace('\u{2401}', "\u{1}");
        if step.starts_with("C:") || step.starts_with("C~") {
            server.push(line());
        } else if step.starts_with("S:") {
            client.push(line());
        } else if step == "C$" {
            server.push("$".to_owned());
        } else if step == "S$" {
            client.push("$".to_owned());
        } else if let Some(milliseconds) = step.strip_prefix("! wait ") {
            let wait = format!("~{}", milliseconds.trim().parse::<u64>().unwrap_or_default().div_ceil(1000));
            server.push(wait.clone());
            client.push(wait);
        } else if let Some(command) = step.strip_prefix("! ") {
            match command.split(' ').next().unwrap_or_default() {
                "accept" | "answer" => server.push("!a".to_owned()),
                "deny" => server.push("!d".to_owned()),
                "confirm" => server.push("!c".to_owned()),
                "stored" => server.push("!s".to_owned()),
                "decline" => server.push("!n".to_owned()),
                "message" => server.push("!m".to_owned()),
                "post" | "idpost" => client.push("!p".to_owned()),
                _ => {}
            }
        }
    }
    (server.join("\n"), client.join("\n"))
}
