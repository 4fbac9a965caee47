//! Rules about the size of types with state: their fields, and the files that hold their methods.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, FnArg, ImplItem, Item, ItemImpl, ItemStruct, Meta, ReceiverKind, Type};

use crate::finding::Finding;
use crate::modules::Modules;
use crate::repository::Repository;

/// A type with more fields is composed of smaller ones.
const MAX_FIELDS: usize = 12;
/// Files beside its own in which a type may have methods.
const MAX_CHILDREN: usize = 2;
/// Endings of the names of types that hold arguments and no state.
const ARGUMENTS: [&str; 5] = ["Context", "Settings", "Options", "Args", "Config"];

/// Finds structs of the crate in `directory` with more than 12 fields.
///
/// Exempt are types that only carry arguments (`…Context`, `…Settings`, `…Options`, `…Args`, `…Config`), and records:
/// structs that derive `Serialize` and have no method with `&mut self`.
pub fn crowded_structs(repository: &Repository, directory: &str) -> Vec<Finding> {
    let modules = Modules::read(repository, directory);
    let mutable = types_with_mutable_methods(&modules);
    let mut findings = Vec::new();
    for (path, module) in modules.iter() {
        for item in structs(&module.syntax.items) {
            let (name, count) = (item.ident.to_string(), item.fields.len());
            let is_argument = ARGUMENTS.iter().any(|ending| name.ends_with(ending));
            let is_record =
                derives_serialize(&item.attrs) && !mutable.contains(&(path.to_vec(), name.clone()));
            if count > MAX_FIELDS && !is_argument && !is_record {
                let remedy = format!(
                    "`{name}` has {count} fields, at most {MAX_FIELDS} are allowed; compose it of parts with methods of their own"
                );
                findings.push(Finding::new(&module.file.path, item.ident.span().start().line, remedy));
            }
        }
    }
    findings
}

/// Finds types of the crate in `directory` with inherent methods outside their own file and two direct children of it.
pub fn scattered_impls(repository: &Repository, directory: &str) -> Vec<Finding> {
    let modules = Modules::read(repository, directory);
    let mut children: BTreeMap<(Vec<String>, String), BTreeSet<&str>> = BTreeMap::new();
    let mut findings = Vec::new();
    for (path, module) in modules.iter() {
        for item in inherent_impls(&module.syntax.items) {
            let Some((home, name)) = target(&modules, path, item) else { continue };
            if home == path {
                continue;
            }
            let file = module.file.path.as_str();
            let line = item.impl_token.span.start().line;
            if path.split_last().is_none_or(|(_, parent)| parent != home) {
                let remedy = format!(
                    "`{name}` has methods outside its own file and that file's children; move them there"
                );
                findings.push(Finding::new(file, line, remedy));
                continue;
            }
            let files = children.entry((home, name.clone())).or_default();
            files.insert(file);
            if files.len() > MAX_CHILDREN {
                let count = files.len();
                let remedy = format!(
                    "`{name}` has methods in {count} child files, at most {MAX_CHILDREN} are allowed; give some of its fields a type of their own"
                );
                findings.push(Finding::new(file, line, remedy));
            }
        }
    }
    findings
}

/// Returns the module and the name of the type that an `impl` is for.
fn target(modules: &Modules<'_>, from: &[String], item: &ItemImpl) -> Option<(Vec<String>, String)> {
    let Type::Path(target) = &*item.self_ty else { return None };
    let segments: Vec<String> =
        target.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let name = segments.last()?.clone();
    let declared_here = |(path, module): &(&[String], &crate::modules::Module<'_>)| {
        *path == from && declares(&module.syntax.items, &name)
    };
    if segments.len() == 1 && modules.iter().any(|found| declared_here(&found)) {
        return Some((from.to_vec(), name));
    }
    let path = [&["self".to_owned()], segments.as_slice()].concat();
    let written = if segments.len() == 1 { path } else { segments };
    // The home is where the imported name was declared, under the name that it has there.
    Some((modules.resolve(from, &written)?.to_vec(), name))
}

fn declares(items: &[Item], name: &str) -> bool {
    items.iter().any(|item| match item {
        Item::Struct(item) => item.ident == name,
        Item::Enum(item) => item.ident == name,
        Item::Mod(item) => item.content.as_ref().is_some_and(|(_, items)| declares(items, name)),
        _ => false,
    })
}

/// Returns every struct, with those of inline modules.
fn structs(items: &[Item]) -> Vec<&ItemStruct> {
    let mut found = Vec::new();
    for item in items {
        match item {
            Item::Struct(item) => found.push(item),
            Item::Mod(item) => found.extend(item.content.iter().flat_map(|(_, items)| structs(items))),
            _ => {}
        }
    }
    found
}

fn inherent_impls(items: &[Item]) -> impl Iterator<Item = &ItemImpl> {
    items.iter().filter_map(|item| match item {
        Item::Impl(item) if item.trait_.is_none() => Some(item),
        _ => None,
    })
}

/// Returns the types with a method that changes them.
fn types_with_mutable_methods(modules: &Modules<'_>) -> BTreeSet<(Vec<String>, String)> {
    let mut found = BTreeSet::new();
    for (path, module) in modules.iter() {
        for item in
            inherent_impls(&module.syntax.items).filter(|item| item.items.iter().any(is_mutable_method))
        {
            found.extend(target(modules, path, item));
        }
    }
    found
}

fn is_mutable_method(item: &ImplItem) -> bool {
    let ImplItem::Fn(function) = item else { return false };
    function.sig.inputs.iter().any(|input| match input {
        FnArg::Receiver(receiver) => matches!(receiver.kind, ReceiverKind::Reference(_, _, Some(_))),
        FnArg::Typed(_) => false,
    })
}

fn derives_serialize(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("derive") => {
            list.tokens.to_string().split([',', ' ', ':']).any(|name| name == "Serialize")
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(attributes: &str, name: &str, fields: usize) -> String {
        let fields: String = (0..fields).map(|number| format!("f{number}: u8,\n")).collect();
        format!("{attributes}\npub struct {name} {{ {fields} }}")
    }

    fn count(rule: fn(&Repository, &str) -> Vec<Finding>, files: &[(&str, &str)]) -> usize {
        rule(&Repository::from_files(files.iter().copied()), "a").len()
    }

    fn crowded(text: &str) -> usize {
        count(crowded_structs, &[("a/src/b.rs", text)])
    }

    #[test]
    fn a_thirteenth_field_is_found() {
        assert_eq!(crowded(&structure("", "Link", 13)), 1);
        assert_eq!(crowded(&structure("", "Link", 12)), 0);
        assert_eq!(crowded(&format!("mod x {{ {} }}", structure("", "Link", 13))), 1);
    }

    #[test]
    fn types_that_carry_arguments_are_free() {
        for ending in ARGUMENTS {
            assert_eq!(crowded(&structure("", &format!("Link{ending}"), 13)), 0, "{ending}");
        }
        assert_eq!(crowded(&structure("", "ContextLink", 13)), 1);
    }

    #[test]
    fn records_are_free_and_what_changes_itself_is_not_a_record() {
        let record = structure("#[derive(Debug, serde::Serialize)]", "Sample", 13);
        assert_eq!(crowded(&record), 0);
        assert_eq!(crowded(&format!("{record} impl Sample {{ fn rate(&self) {{}} }}")), 0);
        assert_eq!(crowded(&format!("{record} impl Sample {{ fn add(&mut self) {{}} }}")), 1);
        assert_eq!(crowded(&structure("#[derive(Debug, Deserialize)]", "Sample", 13)), 1);
    }

    #[test]
    fn a_third_child_with_methods_is_found() {
        let files = [
            ("a/src/b.rs", "pub struct B; impl B {}"),
            ("a/src/b/c.rs", "use super::B; impl B {} impl B {}"),
            ("a/src/b/d.rs", "impl super::B {}"),
            ("a/src/b/e.rs", "use crate::b::B; impl B {}"),
        ];
        assert_eq!(count(scattered_impls, &files), 1);
        assert_eq!(count(scattered_impls, &files[..3]), 0);
    }

    #[test]
    fn methods_in_a_sibling_or_a_grandchild_are_found() {
        let home = ("a/src/b.rs", "pub struct B;");
        for path in ["a/src/c.rs", "a/src/b/c/d.rs"] {
            assert_eq!(count(scattered_impls, &[home, (path, "use crate::b::B; impl B {}")]), 1, "{path}");
        }
    }

    #[test]
    fn traits_and_types_of_the_same_name_are_free() {
        let files = [
            ("a/src/b.rs", "pub struct B; pub trait T {}"),
            ("a/src/c.rs", "use crate::b::{B, T}; impl T for B {}"),
            ("a/src/d.rs", "struct B; impl B {}"),
        ];
        assert_eq!(count(scattered_impls, &files), 0);
    }
}
