{
  description = "minechat: line-based chat for terminals and scripts";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      each = build: nixpkgs.lib.genAttrs systems (system: build nixpkgs.legacyPackages.${system});
      manifest = (builtins.fromTOML (builtins.readFile ./Cargo.toml)).workspace.package;
    in
    {
      packages = each (pkgs: rec {
        default = minechat;
        minechat = pkgs.rustPlatform.buildRustPackage {
          pname = "minechat";
          inherit (manifest) version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          cargoBuildFlags = [ "-p" "chat-cli" "-p" "chat-tui" "-p" "chat-web" "-p" "chat-server" ];
          # The tests of the repository need more than a sandbox has; those of the libraries run in one.
          cargoTestFlags = [ "-p" "private-files" "-p" "chat-proto" "-p" "chat-client" "--lib" ];
          nativeBuildInputs = [ pkgs.installShellFiles ];
          postInstall = ''
            cargo run --release --offline -p xtask -- documents documents
            installManPage documents/man/*.1
            installShellCompletion documents/completions/*
          '';
          meta = {
            description = "Line-based chat for terminals and scripts";
            license = with pkgs.lib.licenses; [ mit asl20 ];
            mainProgram = "chat-tui";
          };
        };
      });
    };
}
