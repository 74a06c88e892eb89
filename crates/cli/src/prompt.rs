//! What a command reads from standard input: one line for each question, in the order in which they
//! are asked.

use std::io::{self, BufRead, IsTerminal, Write};

use zeroize::Zeroizing;

use crate::error::Trouble;

/// One line of standard input; the rest stays unread.
pub fn line() -> Result<String, Trouble> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    match read {
        Ok(0) => Err(Trouble::usage("Standard input ended before a line came.")),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(Trouble::usage("Standard input could not be read.").because(error)),
    }
}

/// Asks for something that nobody may read over the shoulder. Where standard input is no terminal, it
/// is a line like any other.
pub fn secret(question: &str) -> Result<Zeroizing<String>, Trouble> {
    if !io::stdin().is_terminal() {
        return Ok(Zeroizing::new(line()?));
    }
    say(question)?;
    rpassword::read_password()
        .map(Zeroizing::new)
        .map_err(|error| Trouble::usage("The terminal could not be read.").because(error))
}

/// Asks a question.
pub fn ask(question: &str) -> Result<String, Trouble> {
    say(question)?;
    line()
}

fn say(question: &str) -> Result<(), Trouble> {
    let mut out = io::stderr().lock();
    write!(out, "{question}")?;
    Ok(out.flush()?)
}

/// Asks a question whose usual answer is yes. It goes to standard error: output is for what was
/// asked for.
pub fn yes(question: &str) -> Result<bool, Trouble> {
    say(&format!("{question} [Y/n] "))?;
    let answer = line()?;
    meaning(&answer).ok_or_else(|| {
        Trouble::usage("That was neither yes nor no.").next("Answer with `y` or `n`.")
    })
}

fn meaning(answer: &str) -> Option<bool> {
    match answer.to_ascii_lowercase().as_str() {
        "" | "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_and_no_mean_something() {
        for (answer, expected) in [
            ("", Some(true)),
            ("Y", Some(true)),
            ("yes", Some(true)),
            ("n", Some(false)),
            ("No", Some(false)),
            ("never", None),
            ("~/Hythe", None),
        ] {
            assert_eq!(meaning(answer), expected, "{answer}");
        }
    }
}
