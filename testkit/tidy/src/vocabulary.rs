//! The rule about words: metaphors, and phrases that plain technical English does without.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use toml::{Table, Value};

use crate::finding::Finding;
use crate::repository::Repository;
use crate::source::SourceFile;

/// What is banned, with the exceptions.
static WORDS: LazyLock<Words> = LazyLock::new(|| Words::read(include_str!("../words.toml")));

/// The content of `words.toml`.
#[derive(Debug)]
struct Words {
    banned: BTreeSet<String>,
    verbs: Vec<String>,
    functions: Vec<String>,
    /// Words, each with a phrase that makes it allowed on its line.
    allowed: Vec<(String, String)>,
}

impl Words {
    fn read(text: &str) -> Self {
        let table: Table = text.parse().unwrap_or_default();
        let list = |key: &str| table.get(key).and_then(Value::as_array).into_iter().flatten();
        let strings = |key: &str| list(key).filter_map(Value::as_str).map(str::to_owned);
        let entry = |entry: &Value, key: &str| Some(entry.get(key)?.as_str()?.to_owned());
        let allowed = list("allowed").filter_map(|it| Some((entry(it, "word")?, entry(it, "phrase")?)));
        Self {
            allowed: allowed.collect(),
            banned: strings("banned").collect(),
            verbs: strings("banned_verbs").collect(),
            functions: strings("banned_functions").collect(),
        }
    }

    /// Returns the first banned word of a line.
    fn banned_in(&self, line: &str) -> Option<&str> {
        let is_allowed = |word: &str| {
            self.allowed.iter().any(|(allowed, phrase)| allowed == word && line.contains(phrase.as_str()))
        };
        let words: Vec<String> = words(line).collect();
        let banned = words.iter().filter_map(|word| self.banned.get(word));
        banned.map(String::as_str).find(|word| !is_allowed(word))
    }

    fn bans_function(&self, name: &str) -> bool {
        let first = name.split('_').next().unwrap_or(name);
        self.functions.iter().any(|banned| banned == name) || self.verbs.iter().any(|verb| verb == first)
    }
}

/// Finds banned words in the names and texts of the files at `place`, a directory or a file.
///
/// The files of this crate, the glossary and the changelog name old words on purpose.
pub fn banned_words(repository: &Repository, place: &str) -> Vec<Finding> {
    let exempt = ["testkit/tidy/", "docs/glossary.md", "CHANGELOG.md"];
    let files = files_at(repository, place).filter(|file| !exempt.iter().any(|it| file.path.starts_with(it)));
    files.flat_map(findings).collect()
}

/// Returns the files at `place`: a directory, or one file.
pub(crate) fn files_at<'a>(repository: &'a Repository, place: &str) -> impl Iterator<Item = &'a SourceFile> {
    repository.files().filter(move |file| {
        file.path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn findings(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let metaphor = |word: &str| {
        format!("`{word}` is a metaphor; use the field's word, or define yours in docs/glossary.md")
    };
    if let Some(word) = WORDS.banned_in(&file.path) {
        findings.push(Finding::new(&file.path, 1, metaphor(word)));
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        if let Some(word) = WORDS.banned_in(line) {
            findings.push(Finding::new(&file.path, number, metaphor(word)));
        }
        if says_is_no(line) {
            findings.push(Finding::new(&file.path, number, "write `is not a` in place of `is no`"));
        }
    }
    for (number, line) in (1..).zip(file.code.lines()) {
        for name in functions(line).filter(|name| WORDS.bans_function(name)) {
            let remedy = format!("`fn {name}`: name the action: send, report, record, on_…, close");
            findings.push(Finding::new(&file.path, number, remedy));
        }
    }
    findings
}

/// Returns the words of a line in lower case; identifiers are split where their words meet.
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut previous = ' ';
    for c in line.chars() {
        let begins = c.is_uppercase() && previous.is_lowercase();
        if !c.is_alphabetic() || begins {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphabetic(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    words.into_iter().filter(|word| !word.is_empty())
}

/// Returns whether a line says `is no` of something; `there is no` is ordinary English.
fn says_is_no(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    let mut before = "";
    let mut current = words.next().unwrap_or_default();
    for next in words {
        if current == "is" && next == "no" && !before.eq_ignore_ascii_case("there") {
            return true;
        }
        (before, current) = (current, next);
    }
    false
}

/// Returns the names of the functions that a line declares.
fn functions(line: &str) -> impl Iterator<Item = &str> {
    line.split("fn ").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let repository = Repository::from_files([(path, text)]);
        banned_words(&repository, "a").iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_banned_word_is_found_in_every_form() {
        for word in &WORDS.banned {
            let upper = word[..1].to_uppercase() + &word[1..];
            for text in [word.clone(), format!("Old{upper}Name"), format!("x_{word}_y"), word.to_uppercase()]
            {
                assert_eq!(lines("a/b.md", &format!("\n{text}.")), [2], "{text}");
            }
        }
    }

    #[test]
    fn a_banned_word_in_a_file_name_is_found() {
        assert_eq!(lines("a/desk.rs", ""), [1]);
        assert_eq!(lines("a/shelf/b.json", ""), [1]);
    }

    #[test]
    fn longer_words_and_allowed_phrases_are_free() {
        let text = "a broadcast to the near linear backstage\nbytes_in_flight, bytes in flight\nthe last DTLS flight\n";
        assert!(lines("a/b.md", text).is_empty());
        assert_eq!(lines("a/b.md", "the flight of a message"), [1]);
    }

    #[test]
    fn every_allowed_phrase_is_needed_by_a_banned_word() {
        for (word, phrase) in &WORDS.allowed {
            assert!(WORDS.banned.contains(word) && WORDS.banned_in(phrase).is_none(), "{word}");
        }
    }

    #[test]
    fn is_no_is_found_and_there_is_no_is_free() {
        assert_eq!(lines("a/b.rs", "// A share is no number.\n// It is no longer so."), [1, 2]);
        assert!(lines("a/b.rs", "// There is no such key: it is not a number. It is noisy.").is_empty());
    }

    #[test]
    fn banned_verbs_are_found_as_names_of_functions() {
        for name in ["tell", "tell_again", "note_change", "told", "let_go"] {
            assert_eq!(lines("a/b.rs", &format!("pub async fn {name}(&self) {{}}")), [1], "{name}");
        }
        assert!(
            lines("a/b.rs", "fn notify() {} fn told_apart() {}\n// fn tell()\nlet x = \"fn tell(\";")
                .is_empty()
        );
    }

    #[test]
    fn other_places_are_free() {
        let repository = Repository::from_files([("ab/c.md", "desk"), ("testkit/tidy/c.md", "desk")]);
        assert!(banned_words(&repository, "a").is_empty());
        assert!(banned_words(&repository, "testkit").is_empty());
    }
}
