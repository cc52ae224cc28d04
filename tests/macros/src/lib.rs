//! `#[database_test]`: a test with a database of its own. The harness is `tests/it/database.rs`.

use proc_macro::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, ItemFn, parse_macro_input};

/// Turns `async fn name(database: TestDatabase)` into a `#[test]` that runs it on a multi-thread
/// runtime with a fresh, migrated database, which is dropped afterwards, also after a panic.
#[proc_macro_attribute]
pub fn database_test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let function = parse_macro_input!(function as ItemFn);
    expand(arguments.is_empty(), function).unwrap_or_else(|error| error.into_compile_error().into())
}

fn expand(no_arguments: bool, function: ItemFn) -> Result<TokenStream, Error> {
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = function;
    if !no_arguments {
        return Err(Error::new_spanned(
            &sig,
            "#[database_test] takes no arguments",
        ));
    }
    if sig.asyncness.is_none() || sig.inputs.len() != 1 {
        return Err(Error::new_spanned(
            &sig,
            "write `async fn name(database: TestDatabase)`: asynchronous, one argument",
        ));
    }
    let name = &sig.ident;
    let body = format_ident!("{}_on_a_database", name);
    let (inputs, output) = (&sig.inputs, &sig.output);
    Ok(quote! {
        #(#attrs)*
        #[test]
        #vis fn #name() #output {
            async fn #body(#inputs) #output #block
            crate::database::run(#body)
        }
    }
    .into())
}
