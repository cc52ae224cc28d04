//! Rust sources as the rules see them: tokens, so that comments and strings do not count as code,
//! and paths with their groups taken apart.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One file, by its path below the repository.
pub struct Source {
    pub path: String,
    pub text: String,
    tokens: TokenStream,
}

/// A path of two or more names, or one name in a `use`: `sqlx::Type`, `use axum`.
pub struct Mention {
    pub line: usize,
    /// Of the module it stands in, below `src`: `["http", "auth"]`.
    pub module: Vec<String>,
    pub names: Vec<String>,
}

/// `#[name …]`, `#![name …]` and what a `cfg_attr` would become.
pub struct Attribute {
    pub line: usize,
    pub name: String,
    pub names_inside: Vec<String>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let tokens = text
            .parse()
            .unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
        Self {
            path: path.into(),
            text: text.into(),
            tokens,
        }
    }

    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }

    /// Files that hold nothing but tests of the module beside or above them.
    pub fn is_test_file(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The path below `src` as modules: `src/http/auth.rs` is `["http", "auth"]`.
    pub fn module(&self) -> Vec<String> {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let mut names: Vec<String> = below
            .trim_end_matches(".rs")
            .split('/')
            .map(String::from)
            .collect();
        if names
            .last()
            .is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main"))
        {
            names.pop();
        }
        names
    }

    /// Everything that the shipped code mentions: what is only compiled for tests is left out.
    pub fn mentions(&self) -> Vec<Mention> {
        let mut found = Vec::new();
        if !self.is_test_file() {
            collect_mentions(&self.tokens, &self.module(), &mut found);
        }
        found
    }

    pub fn attributes(&self) -> Vec<Attribute> {
        let mut found = Vec::new();
        collect_attributes(&self.tokens, &mut found);
        found
    }

    /// Names of modules declared in this file, with their lines.
    pub fn declared_modules(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        collect_modules(&self.tokens, &mut found);
        found
    }
}

/// Every Rust file below the given folders of the repository.
pub fn sources(root: &Path, folders: &[&str]) -> Vec<Source> {
    files(root, folders)
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .map(|path| {
            let text = fs::read_to_string(root.join(&path)).expect("a source file is readable");
            Source::new(&path, &text)
        })
        .collect()
}

/// Every file below the given folders (`.` for all), sorted; build output and hidden state of
/// version control are left out.
pub fn files(root: &Path, folders: &[&str]) -> Vec<String> {
    let mut open: Vec<_> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() {
                if name != "target" && name != ".git" && name != "node_modules" {
                    open.push(path);
                }
            } else {
                let below = path.strip_prefix(root).expect("a path below the root");
                let below = below.to_string_lossy().replace("/./", "/");
                found.push(below.trim_start_matches("./").to_owned());
            }
        }
    }
    found.sort();
    found
}

// ---------------------------------------------------------------- tokens

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// The bracket of an attribute that starts at `at`, and the index after it.
fn attribute_at(tokens: &[TokenTree], at: usize) -> Option<(&Group, usize)> {
    if !is_punct(tokens.get(at), '#') {
        return None;
    }
    let bracket = at + 1 + usize::from(is_punct(tokens.get(at + 1), '!'));
    match tokens.get(bracket) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            Some((group, bracket + 1))
        }
        _ => None,
    }
}

/// `cfg(test)`, `cfg(all(test, …))`; not `cfg(not(test))`.
fn is_for_tests(attribute: &Group) -> bool {
    let names = names_in(attribute.stream());
    names.first().is_some_and(|name| name == "cfg")
        && names.iter().any(|name| name == "test")
        && !names.iter().any(|name| name == "not")
}

fn names_in(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(name) => vec![name.to_string()],
            TokenTree::Group(group) => names_in(group.stream()),
            _ => vec![],
        })
        .collect()
}

/// The index after the item that starts at `at`: its `;` or its braces.
fn after_item(tokens: &[TokenTree], at: usize) -> usize {
    let end = tokens.iter().skip(at).position(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    });
    end.map_or(tokens.len(), |length| at + length + 1)
}

fn collect_mentions(stream: &TokenStream, module: &[String], found: &mut Vec<Mention>) {
    let tokens: Vec<TokenTree> = stream.clone().into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if let Some((attribute, next)) = attribute_at(&tokens, at)
            && is_for_tests(attribute)
        {
            if is_punct(tokens.get(at + 1), '!') {
                return;
            }
            at = after_item(&tokens, next);
            continue;
        }
        match &tokens[at] {
            TokenTree::Group(group) => {
                let mut inside = module.to_vec();
                if let Some([TokenTree::Ident(keyword), TokenTree::Ident(name)]) =
                    at.checked_sub(2).and_then(|start| tokens.get(start..at))
                    && keyword == "mod"
                {
                    inside.push(name.to_string());
                }
                collect_mentions(&group.stream(), &inside, found);
                at += 1;
            }
            TokenTree::Ident(name) => {
                let imported = at.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(
                    |before| matches!(before, TokenTree::Ident(word) if word == "use" || word == "crate"),
                );
                let line = name.span().start().line;
                let mut paths = Vec::new();
                at = read_path(&tokens, at, &[], &mut paths);
                for names in paths {
                    if names.len() > 1 || imported {
                        found.push(Mention {
                            line,
                            module: module.to_vec(),
                            names,
                        });
                    }
                }
            }
            _ => at += 1,
        }
    }
}

/// Reads the path that starts at the name at `at`; a group at its end makes several of it.
/// Gives the index after the path.
fn read_path(
    tokens: &[TokenTree],
    mut at: usize,
    before: &[String],
    paths: &mut Vec<Vec<String>>,
) -> usize {
    let mut names = before.to_vec();
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        names.push(name.to_string());
        at += 1;
        if !is_path_separator(tokens, at) {
            break;
        }
        match tokens.get(at + 2) {
            Some(TokenTree::Ident(_)) => at += 2,
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut position = 0;
                while position < inside.len() {
                    position = match inside[position] {
                        TokenTree::Ident(_) => read_path(&inside, position, &names, paths),
                        _ => position + 1,
                    };
                    // What follows a name up to the comma is `as other`.
                    while position < inside.len() && !is_punct(inside.get(position), ',') {
                        position += 1;
                    }
                    position += 1;
                }
                return at + 3;
            }
            // `::<…>` or `::*`.
            _ => break,
        }
    }
    paths.push(names);
    at
}

fn collect_attributes(stream: &TokenStream, found: &mut Vec<Attribute>) {
    let tokens: Vec<TokenTree> = stream.clone().into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let Some((group, _)) = attribute_at(&tokens, at) {
            let mut names = names_in(group.stream()).into_iter();
            if let Some(name) = names.next() {
                let line = group.span_open().start().line;
                found.push(Attribute {
                    line,
                    name,
                    names_inside: names.collect(),
                });
            }
        }
        if let TokenTree::Group(group) = token {
            collect_attributes(&group.stream(), found);
        }
    }
}

fn collect_modules(stream: &TokenStream, found: &mut Vec<(usize, String)>) {
    let tokens: Vec<TokenTree> = stream.clone().into_iter().collect();
    for pair in tokens.windows(2) {
        if let [TokenTree::Ident(keyword), TokenTree::Ident(name)] = pair
            && keyword == "mod"
        {
            found.push((name.span().start().line, name.to_string()));
        }
    }
    for token in &tokens {
        if let TokenTree::Group(group) = token {
            collect_modules(&group.stream(), found);
        }
    }
}
