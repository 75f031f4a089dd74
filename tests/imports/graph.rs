//! Which file imports which, read from the source.
//!
//! A file imports another by a `use` (a `pub use` too) and by a path in the code, such as `crate::iam::Write` in a
//! signature. `mod` declarations do not count, nor does anything under `#[cfg(test)]` or in a `mod tests`. What a
//! re-export leads to counts for the file that has the re-export.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, Meta, Path, Token, UseTree, VisRestricted};

/// The files of a workspace by their paths, such as `src/lib.rs`.
pub type Files = BTreeMap<String, String>;

/// A crate's name as its code spells it, and its folder of sources, such as `src`.
pub type Crate = (String, String);

/// For each file those that it imports, each with one path by which it does.
pub type Imports = BTreeMap<String, BTreeMap<String, String>>;

/// A module's path, beginning with the crate's name.
type Module = Vec<String>;

/// What every file of the crates imports. Imports of other crates count if they are among `crates`.
pub fn imports(files: &Files, crates: &[Crate]) -> Imports {
    let mut modules = Modules { files, of_path: BTreeMap::new(), parsed: Vec::new() };
    for (name, folder) in crates {
        for (root, module) in [("lib.rs", name.clone()), ("main.rs", format!("{name}, the executable"))] {
            let file = format!("{folder}/{root}");
            if files.contains_key(&file) {
                modules.load(&file, vec![module], folder);
            }
        }
    }
    let mut imports = Imports::new();
    for (file, module, code) in &modules.parsed {
        let mut names = Names { module: module.clone(), crates, ..Names::default() };
        names.visit_file(code);
        let mut paths = Paths { names: names.resolved(), crates, module: module.clone(), found: BTreeSet::new() };
        paths.visit_file(code);
        for path in paths.found {
            if let Some(imported) = modules.file_of(&path).filter(|imported| imported != file) {
                imports.entry(file.clone()).or_default().entry(imported).or_insert_with(|| path.join("::"));
            }
        }
    }
    imports
}

/// Every group of files that import each other, as the shortest way round: each file with the path by which it imports
/// the next.
pub fn cycles(imports: &Imports) -> Vec<Vec<(String, String)>> {
    let mut cycles = Vec::new();
    let mut known = BTreeSet::new();
    for file in imports.keys() {
        if let Some(cycle) = shortest_way_round(imports, file).filter(|_| !known.contains(file)) {
            known.extend(cycle.iter().map(|(file, _)| file.clone()));
            cycles.push(cycle);
        }
    }
    cycles
}

fn shortest_way_round(imports: &Imports, start: &str) -> Option<Vec<(String, String)>> {
    let mut ways = VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in imports.get(way.last()?).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let nexts = way.iter().skip(1).chain([next]);
                let step = |(file, next): (&String, &String)| (file.clone(), imports[file][next].clone());
                return Some(way.iter().zip(nexts).map(step).collect());
            }
            if seen.insert(next.clone()) {
                ways.push_back([way.clone(), vec![next.clone()]].concat());
            }
        }
    }
    None
}

struct Modules<'a> {
    files: &'a Files,
    of_path: BTreeMap<Module, String>,
    parsed: Vec<(String, Module, syn::File)>,
}

impl Modules<'_> {
    /// Parses a file and the files of its `mod` declarations. `folder` is where those are.
    fn load(&mut self, file: &str, module: Module, folder: &str) {
        let code = syn::parse_file(&self.files[file]).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.declare(file, &code.items, &module, folder);
        self.parsed.push((file.to_owned(), module, code));
    }

    fn declare(&mut self, file: &str, items: &[Item], module: &Module, folder: &str) {
        self.of_path.insert(module.clone(), file.to_owned());
        for item in items {
            let Item::Mod(child) = item else { continue };
            if is_of_tests(child) {
                continue;
            }
            let name = child.ident.to_string();
            let (path, below) = ([module.as_slice(), std::slice::from_ref(&name)].concat(), format!("{folder}/{name}"));
            match &child.content {
                Some((_, items)) => self.declare(file, items, &path, &below),
                None => {
                    let places = [format!("{below}.rs"), format!("{below}/mod.rs")];
                    let place = places.iter().find(|place| self.files.contains_key(*place));
                    let place = place.unwrap_or_else(|| panic!("{file}: there is no file of mod {name}"));
                    self.load(place, path, &below);
                }
            }
        }
    }

    /// The file of the innermost module in the path.
    fn file_of(&self, path: &[String]) -> Option<String> {
        (1..=path.len()).rev().find_map(|length| self.of_path.get(&path[..length]).cloned())
    }
}

/// What the names in a file stand for: its `use` declarations and its child modules.
#[derive(Default)]
struct Names<'a> {
    module: Module,
    crates: &'a [Crate],
    of_uses: Vec<(String, Vec<String>, Module)>,
    known: BTreeMap<String, Module>,
}

impl Names<'_> {
    /// Each name with its absolute path. A `use` may begin with a name that another `use` brings in.
    fn resolved(mut self) -> BTreeMap<String, Module> {
        for _ in 0..3 {
            for (name, segments, module) in &self.of_uses {
                if let Some(path) = absolute(segments, module, &self.known, self.crates) {
                    self.known.insert(name.clone(), path);
                }
            }
        }
        self.known
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let name = item.ident.to_string();
        self.module.push(name.clone());
        self.known.insert(name, self.module.clone());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for (name, segments) in leaves(&item.tree, &[]) {
            self.of_uses.push((name, segments, self.module.clone()));
        }
    }
}

/// Every path in a file, absolute.
struct Paths<'a> {
    names: BTreeMap<String, Module>,
    crates: &'a [Crate],
    module: Module,
    found: BTreeSet<Vec<String>>,
}

impl Paths<'_> {
    fn find(&mut self, segments: &[String]) {
        self.found.extend(absolute(segments, &self.module, &self.names, self.crates));
    }

    /// The arguments of a macro are tokens: a path in them is a name that `::` follows.
    fn find_in(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 && !segments.is_empty() => segments.push(name.to_string()),
                TokenTree::Ident(name) => {
                    self.find_path(&segments);
                    segments = vec![name.to_string()];
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                other => {
                    self.find_path(&segments);
                    segments.clear();
                    if let TokenTree::Group(group) = other {
                        self.find_in(group.stream());
                    }
                }
            }
            colons = 0;
        }
        self.find_path(&segments);
    }

    fn find_path(&mut self, segments: &[String]) {
        if segments.len() > 1 {
            self.find(segments);
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for (_, segments) in leaves(&item.tree, &[]) {
            self.find(&segments);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_none() {
            self.find_path(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast Macro) {
        self.find_in(invoked.tokens.clone());
        visit::visit_macro(self, invoked);
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Const(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !is_under_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    /// `pub(super)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// Each name that a `use` brings in, with its path. A glob brings in no name that is known here.
fn leaves(tree: &UseTree, before: &[String]) -> Vec<(String, Vec<String>)> {
    let with = |name: String| [before, &[name]].concat();
    let itself = || before.last().cloned().unwrap_or_default();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(path.ident.to_string())),
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, before)).collect(),
        UseTree::Name(name) if name.ident == "self" && !before.is_empty() => vec![(itself(), before.to_vec())],
        UseTree::Name(name) => vec![(name.ident.to_string(), with(name.ident.to_string()))],
        UseTree::Rename(name) if name.ident == "self" && !before.is_empty() => {
            vec![(name.rename.to_string(), before.to_vec())]
        }
        UseTree::Rename(name) => vec![(name.rename.to_string(), with(name.ident.to_string()))],
        UseTree::Glob(_) => vec![(String::new(), before.to_vec())],
    }
}

/// `None` for what is of no crate here.
fn absolute(
    segments: &[String],
    module: &Module,
    names: &BTreeMap<String, Module>,
    crates: &[Crate],
) -> Option<Vec<String>> {
    let (first, rest) = segments.split_first()?;
    let beginning = match first.as_str() {
        "crate" => module[..1].to_vec(),
        "self" => module.clone(),
        "super" => {
            let supers = segments.iter().take_while(|segment| *segment == "super").count();
            let above = module.get(..module.len().checked_sub(supers)?)?;
            return Some([above, &segments[supers..]].concat());
        }
        name if names.contains_key(name) => names[name].clone(),
        name if crates.iter().any(|(krate, _)| krate == name) => vec![name.to_owned()],
        _ => return None,
    };
    Some([beginning.as_slice(), rest].concat())
}

fn is_test_item(item: &Item) -> bool {
    let attributes = match item {
        Item::Mod(item) => return is_of_tests(item),
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        _ => return false,
    };
    is_under_test(attributes)
}

fn is_of_tests(module: &ItemMod) -> bool {
    module.ident == "tests" || is_under_test(&module.attrs)
}

fn is_under_test(attributes: &[Attribute]) -> bool {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.filter_map(|condition| condition.parse_args().ok()).any(|condition: Meta| needs_test(&condition))
}

/// Whether a condition of `cfg` holds in a test only.
fn needs_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else { return condition.path().is_ident("test") };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
    match list.path.get_ident().map(ToString::to_string).as_deref() {
        Some("all") => parts.iter().any(needs_test),
        Some("any") => !parts.is_empty() && parts.iter().all(needs_test),
        _ => false,
    }
}
