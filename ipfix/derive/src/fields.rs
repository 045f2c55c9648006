//! Structs: the fields are places.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{DataStruct, Error, Field, Fields, Ident, Lifetime, LitStr, Result};

use crate::with;

/// The element specification of a field: `#[ipfix("octetDeltaCount[4]")]`.
fn specification(field: &Field) -> Result<LitStr> {
    let mut attributes = field.attrs.iter().filter(|attribute| attribute.path().is_ident("ipfix"));
    match (attributes.next(), attributes.next()) {
        (Some(attribute), None) => attribute.parse_args(),
        (_, Some(second)) => Err(Error::new_spanned(second, "a field is one information element")),
        (None, None) => {
            let message = "which information element is this? #[ipfix(\"octetDeltaCount\")]";
            Err(Error::new_spanned(field, message))
        }
    }
}

pub(crate) fn derive(name: &Ident, borrowed: Option<&Lifetime>, data: &DataStruct) -> Result<TokenStream> {
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(name, "Placement is for structs whose fields have names"));
    };
    if fields.named.is_empty() {
        return Err(Error::new_spanned(name, "a struct without fields is not in any record"));
    }
    let count = fields.named.len();
    let (mut places, mut reads, mut visits) = (Vec::new(), Vec::new(), Vec::new());
    for (number, field) in fields.named.iter().enumerate() {
        let (ident, data_type) = (&field.ident, &field.ty);
        let specification = specification(field)?;
        places.push(quote_spanned!(specification.span()=> placement::place::<#data_type>(#specification)));
        reads.push(quote!(#ident: record.field(slots[#number], &Self::PLACES[#number])?));
        visits.push(quote!(visitor.field(#number, &self.#ident)?;));
    }
    let record = with(name, borrowed, &quote!('record));
    let (this, parameters) = match borrowed {
        Some(lifetime) => (quote!(#name<#lifetime>), quote!(<#lifetime>)),
        None => (quote!(#name), quote!()),
    };
    Ok(quote! {
        const _: () = {
            use ::weir_ipfix::placement;

            impl #parameters placement::Places for #this {
                type Record<'record> = #record;
                type Slots = [placement::Slot; #count];
                const PLACES: &'static [placement::Place] = &[#(#places),*];
                const NOWHERE: [placement::Slot; #count] = [placement::Slot::ABSENT; #count];
                const OWN: ::core::option::Option<([placement::Slot; #count], usize)> =
                    placement::layout_of(Self::PLACES);

                #[inline(always)]
                fn read<'record>(
                    record: &placement::Located<'record>,
                    slots: &[placement::Slot; #count],
                ) -> ::core::result::Result<#record, placement::ReadError> {
                    ::core::result::Result::Ok(#name { #(#reads),* })
                }

                #[inline(always)]
                fn visit(
                    &self,
                    visitor: &mut impl placement::Visitor,
                ) -> ::core::result::Result<(), placement::WriteError> {
                    #(#visits)*
                    ::core::result::Result::Ok(())
                }
            }

            impl #parameters placement::Placement for #this {
                type Record<'record> = #record;
                type Plan = placement::StructPlan<[placement::Slot; #count]>;

                fn plan(
                    template: &::weir_ipfix::template::Template,
                ) -> ::core::result::Result<Self::Plan, placement::PlanError> {
                    placement::StructPlan::new::<Self>(template)
                }

                #[inline(always)]
                fn read<'record>(
                    plan: &Self::Plan,
                    content: &mut &'record [u8],
                    near: ::weir_ipfix::time::Time,
                ) -> ::core::result::Result<#record, placement::ReadError> {
                    plan.read::<Self>(content, near)
                }
            }
        };
    })
}
