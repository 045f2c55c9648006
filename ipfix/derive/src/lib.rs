//! `#[derive(Placement)]` of `weir-ipfix`, where it is documented and exported.
//!
//! A struct becomes a list of places, each with the specification of its element, which the compiler looks up in the registry, and
//! straight code that reads and writes its fields. An enum becomes a choice among structs.

mod choice;
mod fields;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, GenericParam, Generics, Lifetime, Result, parse_macro_input};

/// Makes a struct of records and records of it: see `weir_ipfix::placement`.
#[proc_macro_derive(Placement, attributes(ipfix))]
pub fn placement(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let borrowed = borrowed(&input.generics)?;
    match &input.data {
        Data::Struct(data) => fields::derive(&input.ident, borrowed, data),
        Data::Enum(data) => choice::derive(&input.ident, borrowed, data),
        Data::Union(_) => Err(Error::new_spanned(&input.ident, "Placement is for structs and enums")),
    }
}

/// The lifetime of what is borrowed from records, if the type has one.
fn borrowed(generics: &Generics) -> Result<Option<&Lifetime>> {
    let mut lifetime = None;
    for parameter in &generics.params {
        match parameter {
            GenericParam::Lifetime(parameter) if lifetime.is_none() && parameter.bounds.is_empty() => {
                lifetime = Some(&parameter.lifetime);
            }
            _ => {
                let message =
                    "Placement is for types with one lifetime, that of the record, or without parameters";
                return Err(Error::new_spanned(parameter, message));
            }
        }
    }
    Ok(lifetime)
}

/// The type with this lifetime, if it has one.
fn with(name: &syn::Ident, borrowed: Option<&Lifetime>, lifetime: &TokenStream) -> TokenStream {
    if borrowed.is_some() { quote!(#name<#lifetime>) } else { quote!(#name) }
}
