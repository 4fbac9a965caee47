//! What a file refers to: its imports, the paths in its bodies and the names that it uses.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, File, Ident, ItemUse, Macro, Meta, Path, UseTree, Visibility};

/// One name that a `use` item brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The name in this file; `*` for everything.
    pub name: String,
    /// The path as it is written.
    pub path: Vec<String>,
    /// The line, from 1.
    pub line: usize,
    /// Whether other modules may use the name by this import.
    pub is_reexport: bool,
}

/// What a file refers to.
#[derive(Debug, Default)]
pub struct References {
    /// The names that `use` items bring in.
    pub imports: Vec<Import>,
    /// The paths of at least two segments outside `use` items, with their lines.
    pub paths: Vec<(usize, Vec<String>)>,
    names: BTreeSet<String>,
}

impl References {
    /// Collects the references of a file.
    pub fn of(syntax: &File) -> Self {
        let mut references = Self::default();
        references.visit_file(syntax);
        references
    }

    /// Returns the import that brings in `name`.
    pub fn import_of(&self, name: &str) -> Option<&Import> {
        self.imports.iter().find(|import| import.name == name)
    }

    /// Returns whether `name` occurs outside `use` items.
    pub fn uses(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    fn add_path(&mut self, line: usize, segments: Vec<String>) {
        if segments.len() > 1 {
            self.paths.push((line, segments));
        }
    }

    fn add_tree(&mut self, tree: &UseTree, prefix: &[String], is_reexport: bool) {
        let below = |name: &Ident| [prefix, &[name.to_string()]].concat();
        let import = |name: String, path: Vec<String>, line| Import { name, path, line, is_reexport };
        match tree {
            UseTree::Path(path) => self.add_tree(&path.tree, &below(&path.ident), is_reexport),
            UseTree::Name(name) if name.ident == "self" => {
                let local = prefix.last().cloned().unwrap_or_default();
                self.imports.push(import(local, prefix.to_vec(), line(&name.ident)));
            }
            UseTree::Name(name) => {
                self.imports.push(import(name.ident.to_string(), below(&name.ident), line(&name.ident)));
            }
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" { prefix.to_vec() } else { below(&rename.ident) };
                self.imports.push(import(rename.rename.to_string(), path, line(&rename.ident)));
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.imports.push(import("*".to_owned(), prefix.to_vec(), line));
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, prefix, is_reexport);
                }
            }
        }
    }

    /// Collects names and paths of tokens that the parser leaves alone, such as the body of a macro call.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut colons, mut at) = (0, 1);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add_path(at, std::mem::take(&mut path));
                        at = line(&ident);
                    }
                    self.names.insert(ident.to_string());
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.add_path(at, std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        self.add_path(at, path);
    }
}

impl<'ast> Visit<'ast> for References {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_reexport = !matches!(item.vis, Visibility::Inherited);
        self.add_tree(&item.tree, &[], is_reexport);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if let Some(first) = path.segments.first() {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string());
            self.add_path(line(&first.ident), segments.collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.names.insert(ident.to_string());
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        visit::visit_path(self, &call.path);
        self.add_tokens(call.tokens.clone());
    }

    /// Paths in attributes are strings, such as `#[serde(with = "module")]`.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let Meta::List(list) = &attribute.meta else { return };
        for token in list.tokens.clone() {
            let TokenTree::Literal(literal) = token else { continue };
            let text = literal.to_string();
            let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let path = text.trim_matches('"');
            if path.contains("::") && path.chars().all(is_path) {
                let line = literal.span().start().line;
                self.add_path(line, path.split("::").map(str::to_owned).collect());
            }
        }
    }
}

fn line(ident: &Ident) -> usize {
    ident.span().start().line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(text: &str) -> References {
        References::of(&syn::parse_file(text).unwrap())
    }

    fn paths(text: &str) -> Vec<String> {
        references(text).paths.iter().map(|(_, path)| path.join("::")).collect()
    }

    #[test]
    fn every_form_of_import_is_seen() {
        let text = "use a::{self, b as c, d::{E, F}};\npub use super::*;";
        let imports = references(text).imports;
        let seen: Vec<_> =
            imports.iter().map(|i| format!("{}={}@{}", i.name, i.path.join("::"), i.line)).collect();
        assert_eq!(seen, ["a=a@1", "c=a::b@1", "E=a::d::E@1", "F=a::d::F@1", "*=super@2"]);
        assert_eq!(imports.iter().filter(|import| import.is_reexport).count(), 1);
    }

    #[test]
    fn paths_of_bodies_types_macros_and_attributes_are_seen() {
        let text =
            "#[serde(with = \"m::n\")] struct S(super::T);\nfn f() { select! { x = crate::a::b(&y) => c } }";
        assert_eq!(paths(text), ["m::n", "super::T", "crate::a::b"]);
    }

    #[test]
    fn names_in_use_items_are_not_uses() {
        let references = references("pub use a::B;\npub use a::C;\nstruct D(C);");
        assert!(references.uses("C") && !references.uses("B"));
    }
}
