# `cargo run -p xtask -- formula URL FILE` fills in the address and the checksum of a release's source archive.
class Minechat < Formula
  desc "Line-based chat for terminals and scripts"
  homepage "@HOMEPAGE@"
  url "@URL@"
  version "@VERSION@"
  sha256 "@SHA256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    %w[crates/chat-cli crates/chat-tui crates/chat-web crates/chat-server].each do |crate|
      system "cargo", "install", *std_cargo_args(path: crate)
    end
    system "cargo", "run", "--release", "--locked", "-p", "xtask", "--", "documents", "documents"
    man1.install Dir["documents/man/*.1"]
    bash_completion.install Dir["documents/completions/*.bash"]
    zsh_completion.install Dir["documents/completions/_*"]
    fish_completion.install Dir["documents/completions/*.fish"]
  end

  service do
    run [opt_bin/"chat-server", "--data-dir", var/"minechat"]
    keep_alive crashed: true
    log_path var/"log/minechat.log"
    error_log_path var/"log/minechat.log"
  end

  test do
    (testpath/"room").mkpath
    server = spawn bin/"chat-server", "--memory", "--listen", "127.0.0.1:0", "--write", "127.0.0.1:0",
                   out: (testpath/"ready").to_s
    sleep 0.1 until (testpath/"ready").read.start_with?("ready ")
    ports = (testpath/"ready").read.scan(/:(\d+)/).flatten
    system bin/"chat", "ping", "--listen-port", ports[0], "--write-port", ports[1]
  ensure
    Process.kill "TERM", server
  end
end
