//! What else is said of an element: semantics, units, status (RFC 7012, 3.2; RFC 5610, 3.6 and 3.7).

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident: $number_type:ty { $($(#[$variant_doc:meta])* $variant:ident $number:literal $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// The number in type information records (RFC 5610).
            pub const fn number(self) -> $number_type {
                match self { $($name::$variant => $number),* }
            }

            /// What has this number.
            pub const fn from_number(number: $number_type) -> Option<$name> {
                match number { $($number => Some($name::$variant),)* _ => None }
            }

            /// The name in IANA's registry.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }
    };
}

numbered! {
    /// What the values of an element mean.
    Semantics: u8 {
        /// Nothing is said.
        Default 0 "default";
        /// A number of something.
        Quantity 1 "quantity";
        /// A count since the beginning.
        TotalCounter 2 "totalCounter";
        /// A count since the previous report.
        DeltaCounter 3 "deltaCounter";
        /// A number that is not calculated with.
        Identifier 4 "identifier";
        /// Bits.
        Flags 5 "flags";
        /// Several values (RFC 6313).
        List 6 "list";
        /// A counter of SNMP (RFC 8038).
        SnmpCounter 7 "snmpCounter";
        /// A gauge of SNMP (RFC 8038).
        SnmpGauge 8 "snmpGauge";
    }
}

numbered! {
    /// What the values of an element count.
    Units: u16 {
        /// Nothing.
        None 0 "none";
        /// Bits.
        Bits 1 "bits";
        /// Octets.
        Octets 2 "octets";
        /// Packets.
        Packets 3 "packets";
        /// Flows.
        Flows 4 "flows";
        /// Seconds.
        Seconds 5 "seconds";
        /// Milliseconds.
        Milliseconds 6 "milliseconds";
        /// Microseconds.
        Microseconds 7 "microseconds";
        /// Nanoseconds.
        Nanoseconds 8 "nanoseconds";
        /// Words of four octets, as IPv4 header lengths.
        FourOctetWords 9 "4-octet words";
        /// Messages.
        Messages 10 "messages";
        /// Hops.
        Hops 11 "hops";
        /// Entries of an MPLS label stack.
        Entries 12 "entries";
        /// Layer 2 frames.
        Frames 13 "frames";
        /// Ports.
        Ports 14 "ports";
        /// Those of another element that comes with it.
        Inferred 15 "inferred";
    }
}

/// Whether an element is to be used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    /// Yes.
    Current,
    /// It is understood, and not to be sent any more.
    Deprecated,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_to_what_they_stand_for() {
        for number in 0..=8 {
            assert_eq!(Semantics::from_number(number).map(Semantics::number), Some(number));
        }
        for number in 0..=15 {
            assert_eq!(Units::from_number(number).map(Units::number), Some(number));
        }
        assert_eq!((Semantics::from_number(9), Units::from_number(16)), (None, None));
        assert_eq!((Units::FourOctetWords.name(), Semantics::Flags.name()), ("4-octet words", "flags"));
    }
}
