# Evaluates flake.nix with a stand-in for nixpkgs, so that no network is needed: `nix-instantiate --eval --strict`.
let
  lib = {
    genAttrs = names: make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
    licenses = { mit = "MIT"; asl20 = "Apache-2.0"; };
  };
  pkgs = {
    inherit lib;
    installShellFiles = "installShellFiles";
    rustPlatform.buildRustPackage = package: package;
  };
  nixpkgs = {
    inherit lib;
    legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (system: pkgs);
  };
  outputs = (import ../flake.nix).outputs { self = ../.; inherit nixpkgs; };
  package = system: outputs.packages.${system}.default;
in
map (system: assert builtins.pathExists (package system).cargoLock.lockFile; builtins.deepSeq (package system) (package system).version)
  (builtins.attrNames outputs.packages)
