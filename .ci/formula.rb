# Loads a Homebrew formula with stand-ins for Homebrew's classes, and compares what it builds and installs with the
# repository: ruby .ci/formula.rb FORMULA, from the top of the repository.
class Formula
  def self.facts = (@facts ||= {})
  %i[desc homepage url version sha256 license service test].each do |name|
    define_singleton_method(name) { |value = nil, &block| facts[name] = value || block }
  end
  def self.depends_on(dependency) = (facts[:depends_on] = dependency)

  attr_reader :installed

  def initialize = @installed = []
  def std_cargo_args(path:) = ["--locked", "--path", path]

  def system(command, *arguments)
    path = arguments.each_cons(2).find { |option, _| option == "--path" }&.last
    abort "#{path} is not a crate" if path && !File.file?("#{path}/Cargo.toml")
    @installed << path if command == "cargo" && arguments.first == "install"
  end
end

load File.expand_path(ARGV.fetch(0))
facts = Minechat.facts
%i[desc homepage url version sha256 license service test].each { |name| abort "no #{name}" unless facts[name] }
abort "#{facts[:sha256]} is not a checksum" unless facts[:sha256].match?(/\A\h{64}\z/)
programs = Dir["crates/*/Cargo.toml"].select { |manifest| File.read(manifest).include?("[package.metadata.dist]") }
formula = Minechat.new
directories = []
%i[man1 bash_completion zsh_completion fish_completion].each do |name|
  directory = Object.new
  directory.define_singleton_method(:install) { |_files| directories << name }
  formula.define_singleton_method(name) { directory }
end
formula.install
expected = programs.map { |manifest| File.dirname(manifest) }
abort "installs #{formula.installed}, not #{expected}" unless expected.sort == formula.installed.sort
abort "fills only #{directories}" unless directories.size == 4
puts "formula: installs #{formula.installed.join(', ')}"
