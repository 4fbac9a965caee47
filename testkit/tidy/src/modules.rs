//! The modules of one crate, and which file a path leads to.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::repository::Repository;
use crate::source::SourceFile;

pub use references::{Import, References};

mod references;

/// A file of a crate with what it refers to.
#[derive(Debug)]
pub struct Module<'a> {
    /// The file.
    pub file: &'a SourceFile,
    /// The syntax of the file without its tests.
    pub syntax: syn::File,
    /// What the file refers to.
    pub references: References,
}

/// The modules of a crate by their paths; the root has the empty path.
///
/// A file that cannot be parsed is left out, and [`unreadable_files`] finds it.
#[derive(Debug)]
pub struct Modules<'a>(BTreeMap<Vec<String>, Module<'a>>);

/// Re-exports that a path may go through before it is given up as circular.
const MAX_REEXPORTS: usize = 16;

impl<'a> Modules<'a> {
    /// Reads the modules of the crate in `directory`, such as `core`; modules for tests only are left out.
    pub fn read(repository: &'a Repository, directory: &str) -> Self {
        let source = format!("{directory}/src/");
        let files = repository.rust_under(&source).filter(|file| !file.product.trim().is_empty());
        let module = |file: &'a SourceFile| {
            let syntax = syn::parse_file(&file.product_text).ok()?;
            let references = References::of(&syntax);
            Some((module_path(&file.path[source.len()..]), Module { file, syntax, references }))
        };
        Self(files.filter_map(module).collect())
    }

    /// Returns every module with its path.
    pub fn iter(&self) -> impl Iterator<Item = (&[String], &Module<'a>)> {
        self.0.iter().map(|(path, module)| (path.as_slice(), module))
    }

    /// Returns the path of the module that declares what `path`, written in the module `from`, names.
    ///
    /// Returns `None` for a path that leads out of the crate or stays within an item of `from`.
    pub fn resolve(&self, from: &[String], path: &[String]) -> Option<&[String]> {
        self.declaring(self.absolute(from, path)?, MAX_REEXPORTS)
    }

    /// Returns `path` from the root of the crate.
    fn absolute(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        let (base, rest) = match path.first()?.as_str() {
            "crate" => (&[][..], &path[1..]),
            "self" => (from, &path[1..]),
            "super" => (from.get(..from.len().checked_sub(supers)?)?, &path[supers..]),
            child if self.0.contains_key(&[from, &[child.to_owned()]].concat()) => (from, path),
            _ => return None,
        };
        Some([base, rest].concat())
    }

    /// Follows an absolute path through modules and re-exports to the module that declares its end.
    fn declaring(&self, path: Vec<String>, reexports: usize) -> Option<&[String]> {
        let mut depth = 0;
        while depth < path.len() && self.0.contains_key(&path[..=depth]) {
            depth += 1;
        }
        let (module, rest) = path.split_at(depth);
        let (module, found) = self.0.get_key_value(module)?;
        let import = rest.first().and_then(|name| found.references.import_of(name));
        let Some(import) = import.filter(|_| reexports > 0) else { return Some(module) };
        let Some(target) = self.absolute(module, &import.path) else { return Some(module) };
        self.declaring([target.as_slice(), &rest[1..]].concat(), reexports - 1)
    }
}

/// Finds files that the rules about modules cannot read.
pub fn unreadable_files(repository: &Repository) -> Vec<Finding> {
    let unreadable =
        repository.rust().filter_map(|file| Some((file, syn::parse_file(&file.product_text).err()?)));
    let finding = |(file, error): (&SourceFile, syn::Error)| {
        Finding::new(&file.path, error.span().start().line, format!("tidy cannot read this file: {error}"))
    };
    unreadable.map(finding).collect()
}

/// Returns the path of the module that a file below `src/` holds.
fn module_path(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs");
    if path == "lib" || path == "main" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &str); 4] = [
        ("a/src/lib.rs", "mod b; pub use b::Thing;"),
        ("a/src/b.rs", "mod c; pub(crate) use self::c::Inner as Thing; struct Own;"),
        ("a/src/b/c.rs", "pub struct Inner;"),
        ("a/src/b/tests.rs", "use super::*;"),
    ];

    /// Returns the module that `path`, written in the module `from`, leads to, both with `::`.
    fn resolved(from: &str, path: &str) -> Option<String> {
        let repository = Repository::from_files(FILES);
        let modules = Modules::read(&repository, "a");
        let segments = |path: &str| path.split("::").filter(|s| !s.is_empty()).map(str::to_owned).collect();
        let (from, path): (Vec<_>, Vec<_>) = (segments(from), segments(path));
        Some(modules.resolve(&from, &path)?.join("::"))
    }

    #[test]
    fn a_path_leads_to_the_module_that_declares_its_end() {
        for (from, path, module) in [
            ("", "crate::b::Own", "b"),
            ("b::c", "super::Own", "b"),
            ("b::c", "super::super::b::c::Inner", "b::c"),
            ("b", "c::Inner", "b::c"),
            ("b", "self::c", "b::c"),
        ] {
            assert_eq!(resolved(from, path).as_deref(), Some(module), "{from}: {path}");
        }
    }

    #[test]
    fn a_path_goes_through_every_reexport() {
        assert_eq!(resolved("b", "crate::Thing").as_deref(), Some("b::c"));
    }

    #[test]
    fn a_path_out_of_the_crate_leads_nowhere() {
        assert_eq!(resolved("b", "std::time::Duration"), None);
        assert_eq!(resolved("b", "super::super::x"), None);
    }

    #[test]
    fn modules_for_tests_are_left_out() {
        let repository = Repository::from_files(FILES);
        assert_eq!(Modules::read(&repository, "a").iter().count(), 3);
    }
}
