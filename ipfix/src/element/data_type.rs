//! Abstract data types (RFC 7012, 3.1) with their numbers (RFC 5610, 3.1) and lengths (RFC 7011, 6).

use std::fmt;

macro_rules! data_types {
    ($($(#[$doc:meta])* $variant:ident $number:literal $name:literal;)*) => {
        /// An abstract data type.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum DataType {
            $($(#[$doc])* $variant = $number,)*
        }

        impl DataType {
            /// All types, in the order of their numbers.
            pub const ALL: &[DataType] = &[$(DataType::$variant),*];

            /// The name in IANA's registry.
            pub const fn name(self) -> &'static str {
                match self { $(DataType::$variant => $name),* }
            }
        }
    };
}

data_types! {
    /// Any octets.
    OctetArray 0 "octetArray";
    /// 0 to 255
    Unsigned8 1 "unsigned8";
    /// 0 to 65,535
    Unsigned16 2 "unsigned16";
    /// 0 to 2³² − 1
    Unsigned32 3 "unsigned32";
    /// 0 to 2⁶⁴ − 1
    Unsigned64 4 "unsigned64";
    /// −128 to 127
    Signed8 5 "signed8";
    /// −32,768 to 32,767
    Signed16 6 "signed16";
    /// −2³¹ to 2³¹ − 1
    Signed32 7 "signed32";
    /// −2⁶³ to 2⁶³ − 1
    Signed64 8 "signed64";
    /// IEEE 754 binary32
    Float32 9 "float32";
    /// IEEE 754 binary64
    Float64 10 "float64";
    /// true is 1, false is 2
    Boolean 11 "boolean";
    /// Six octets.
    MacAddress 12 "macAddress";
    /// UTF-8
    String 13 "string";
    /// Seconds since 1970, unsigned, four octets.
    DateTimeSeconds 14 "dateTimeSeconds";
    /// Milliseconds since 1970, unsigned, eight octets.
    DateTimeMilliseconds 15 "dateTimeMilliseconds";
    /// NTP: seconds since 1900 and a fraction of 2³², whose last eleven bits do not count.
    DateTimeMicroseconds 16 "dateTimeMicroseconds";
    /// NTP: seconds since 1900 and a fraction of 2³².
    DateTimeNanoseconds 17 "dateTimeNanoseconds";
    /// Four octets.
    Ipv4Address 18 "ipv4Address";
    /// Sixteen octets.
    Ipv6Address 19 "ipv6Address";
    /// Values of one element (RFC 6313).
    BasicList 20 "basicList";
    /// Records of one template (RFC 6313).
    SubTemplateList 21 "subTemplateList";
    /// Records of several templates (RFC 6313).
    SubTemplateMultiList 22 "subTemplateMultiList";
    /// 0 to 2²⁵⁶ − 1 (RFC 9740)
    Unsigned256 23 "unsigned256";
}

/// How a type may be shortened on the wire (RFC 7011, 6.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lengths {
    /// Only as it is.
    Exactly(u16),
    /// An integer without its leading octets.
    UpTo(u16),
    /// A double that is written as a float.
    Double,
    /// Any, and variable.
    Any,
}

impl DataType {
    /// The number in type information records (RFC 5610).
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The type with this number.
    pub fn from_number(number: u8) -> Option<DataType> {
        DataType::ALL.get(number as usize).copied()
    }

    /// The type with this name, whatever the case of its letters.
    pub const fn from_name(name: &str) -> Option<DataType> {
        let mut number = 0;
        while number < DataType::ALL.len() {
            let data_type = DataType::ALL[number];
            if data_type.name().eq_ignore_ascii_case(name) {
                return Some(data_type);
            }
            number += 1;
        }
        None
    }

    const fn lengths(self) -> Lengths {
        match self {
            DataType::Unsigned8 | DataType::Signed8 | DataType::Boolean => Lengths::Exactly(1),
            DataType::Unsigned16 | DataType::Signed16 => Lengths::UpTo(2),
            DataType::Unsigned32 | DataType::Signed32 => Lengths::UpTo(4),
            DataType::Unsigned64 | DataType::Signed64 => Lengths::UpTo(8),
            DataType::Unsigned256 => Lengths::UpTo(32),
            DataType::Float32 | DataType::DateTimeSeconds | DataType::Ipv4Address => Lengths::Exactly(4),
            DataType::Float64 => Lengths::Double,
            DataType::MacAddress => Lengths::Exactly(6),
            DataType::DateTimeMilliseconds
            | DataType::DateTimeMicroseconds
            | DataType::DateTimeNanoseconds => Lengths::Exactly(8),
            DataType::Ipv6Address => Lengths::Exactly(16),
            DataType::OctetArray
            | DataType::String
            | DataType::BasicList
            | DataType::SubTemplateList
            | DataType::SubTemplateMultiList => Lengths::Any,
        }
    }

    /// Octets of a value in full; `None` if values have no length of their own.
    pub const fn length(self) -> Option<u16> {
        match self.lengths() {
            Lengths::Exactly(length) | Lengths::UpTo(length) => Some(length),
            Lengths::Double => Some(8),
            Lengths::Any => None,
        }
    }

    /// Whether a value may be written in `length` octets: in full, or reduced as far as RFC 7011, 6.2 allows it.
    pub const fn fits(self, length: u16) -> bool {
        match self.lengths() {
            Lengths::Exactly(exact) => length == exact,
            Lengths::UpTo(full) => length >= 1 && length <= full,
            Lengths::Double => length == 4 || length == 8,
            Lengths::Any => true,
        }
    }

    /// Whether a template may give the type a variable length.
    pub const fn may_vary(self) -> bool {
        matches!(self.lengths(), Lengths::Any)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_the_type() {
        for &data_type in DataType::ALL {
            assert_eq!(DataType::from_number(data_type.number()), Some(data_type));
            assert_eq!(DataType::from_name(data_type.name()), Some(data_type));
        }
        assert_eq!(DataType::from_number(24), None);
        assert_eq!(DataType::from_name("octet"), None);
    }

    #[test]
    fn only_integers_and_doubles_are_shortened() {
        for length in 1..=8 {
            assert!(DataType::Unsigned64.fits(length) && DataType::Signed64.fits(length));
            assert_eq!(DataType::Unsigned32.fits(length), length <= 4);
            assert_eq!(DataType::Signed16.fits(length), length <= 2);
            assert_eq!(DataType::Float64.fits(length), length == 4 || length == 8);
            assert_eq!(DataType::Float32.fits(length), length == 4);
            assert_eq!(DataType::Boolean.fits(length), length == 1);
            assert_eq!(DataType::DateTimeMilliseconds.fits(length), length == 8);
            assert_eq!(DataType::DateTimeSeconds.fits(length), length == 4);
            assert_eq!(DataType::Ipv4Address.fits(length), length == 4);
        }
        assert!(!DataType::Unsigned8.fits(0) && !DataType::Unsigned64.fits(0));
        assert!(DataType::Unsigned256.fits(9) && !DataType::Unsigned256.fits(33));
        assert!(DataType::String.fits(0) && DataType::OctetArray.fits(1000));
    }
}
