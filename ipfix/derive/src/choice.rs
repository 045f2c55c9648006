//! Enums: each variant holds a struct, and the first one that goes with a template is taken.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, Error, Fields, Ident, Lifetime, Result};

use crate::with;

pub(crate) fn derive(name: &Ident, borrowed: Option<&Lifetime>, data: &DataEnum) -> Result<TokenStream> {
    let (mut variants, mut types) = (Vec::new(), Vec::new());
    for variant in &data.variants {
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                variants.push(&variant.ident);
                types.push(&fields.unnamed[0].ty);
            }
            _ => return Err(Error::new_spanned(variant, "a variant holds one struct: Flow(Flow)")),
        }
    }
    if variants.is_empty() {
        return Err(Error::new_spanned(name, "an enum without variants is no record"));
    }
    let record = with(name, borrowed, &quote!('record));
    let (this, parameters) = match borrowed {
        Some(lifetime) => (quote!(#name<#lifetime>), quote!(<#lifetime>)),
        None => (quote!(#name), quote!()),
    };
    Ok(quote! {
        const _: () = {
            use ::weir_ipfix::placement::{self, Placement};

            /// The plan of the variant that goes with a template.
            #[derive(Debug)]
            pub enum Plan #parameters {
                #(
                    /// This one.
                    #variants(<#types as Placement>::Plan),
                )*
            }

            impl #parameters Placement for #this {
                type Record<'record> = #record;
                type Plan = Plan #parameters;

                fn plan(
                    template: &::weir_ipfix::template::Template,
                ) -> ::core::result::Result<Self::Plan, placement::PlanError> {
                    let mut why = placement::PlanError::NoPlaces;
                    #(
                        match <#types as Placement>::plan(template) {
                            ::core::result::Result::Ok(plan) => {
                                return ::core::result::Result::Ok(Plan::#variants(plan));
                            }
                            ::core::result::Result::Err(error) => why = error,
                        }
                    )*
                    ::core::result::Result::Err(why)
                }

                #[inline(always)]
                fn read<'record>(
                    plan: &Self::Plan,
                    content: &mut &'record [u8],
                    near: ::weir_ipfix::time::Time,
                ) -> ::core::result::Result<#record, placement::ReadError> {
                    match plan {
                        #(
                            Plan::#variants(plan) => {
                                <#types as Placement>::read(plan, content, near).map(#name::#variants)
                            }
                        )*
                    }
                }
            }
        };
    })
}
