//! `hythe completions`, and the reference that is made from the arguments themselves.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::args::Arguments;
use crate::error::{Exit, Trouble};

/// Prints a completion script.
pub fn completions(shell: Shell) -> Result<Exit, Trouble> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hythe", &mut script);
    io::Write::write_all(&mut io::stdout().lock(), &script)?;
    Ok(Exit::Done)
}

/// Writes `cli.md`, man pages and completions into a folder.
pub fn write(folder: &Path) -> Result<Exit, Trouble> {
    let made = write_all(folder);
    made.map_err(|error| Trouble::failed("The reference could not be written.").because(error))?;
    Ok(Exit::Done)
}

fn write_all(folder: &Path) -> io::Result<()> {
    let mut command = Arguments::command();
    command.build();
    fs::create_dir_all(folder)?;
    fs::write(folder.join("cli.md"), markdown(&command))?;
    let man = folder.join("man");
    fs::create_dir_all(&man)?;
    clap_mangen::generate_to(Arguments::command(), &man)?;
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Arguments::command(), "hythe", &completions)?;
    }
    Ok(())
}

/// The page of all commands: a heading each, its help as the program prints it.
fn markdown(command: &Command) -> String {
    let mut page = String::from(
        "# Commands\n\nWritten by `cargo xtask generate` from the program itself. What `--json` \
         prints is described in [format/control.md](format/control.md).\n",
    );
    section(&mut page, command, "hythe");
    page
}

fn section(page: &mut String, command: &Command, name: &str) {
    let help = command.clone().term_width(100).bin_name(name).render_help();
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "\n## {name}\n\n```text\n{}\n```\n",
        help.to_string().trim_end()
    );
    let shown = |inner: &&Command| !inner.is_hide_set() && inner.get_name() != "help";
    for inner in command.get_subcommands().filter(shown) {
        section(page, inner, &format!("{name} {}", inner.get_name()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn without(command: &Command, name: String, found: &mut Vec<String>) {
            let text = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            if !command.is_hide_set() && !text.contains("Example") {
                found.push(name.clone());
            }
            for command in command.get_subcommands().filter(|c| c.get_name() != "help") {
                without(command, format!("{name} {}", command.get_name()), found);
            }
        }
        let mut found = Vec::new();
        without(&Arguments::command(), "hythe".to_owned(), &mut found);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn no_option_takes_a_secret() {
        fn options(command: &Command) -> Vec<String> {
            let own = command
                .get_arguments()
                .filter_map(|a| a.get_long().map(str::to_owned));
            own.chain(command.get_subcommands().flat_map(options))
                .collect()
        }
        for option in options(&Arguments::command()) {
            for word in ["password", "token", "secret", "code"] {
                assert!(!option.contains(word), "--{option}");
            }
        }
    }
}
