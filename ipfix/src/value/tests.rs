#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::template::VARIABLE;
use crate::wire::{Full, Writer};

const NEAR: Time = Time { seconds: 1_700_000_000, nanoseconds: 0 };

fn written(value: Value<'_>, data_type: DataType, length: u16) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = [0; 600];
    let mut out = Writer::new(&mut buffer);
    value.put(data_type, length, &mut out)?;
    Ok(out.written().to_vec())
}

fn read(data_type: DataType, octets: &[u8]) -> Result<Value<'_>, ValueError> {
    Value::read(data_type, octets, NEAR)
}

#[test]
fn minus_one_is_minus_one_however_short() {
    for length in [1, 2, 3, 4, 8] {
        let octets = written(Value::Signed(-1), DataType::Signed64, length).unwrap();
        assert_eq!(octets, vec![0xff; length as usize]);
        assert_eq!(read(DataType::Signed64, &octets), Ok(Value::Signed(-1)));
    }
    assert_eq!(read(DataType::Signed32, &[0x80, 0]), Ok(Value::Signed(-32768)));
    assert_eq!(read(DataType::Signed32, &[0, 0x80]), Ok(Value::Signed(128)));
}

#[test]
fn a_number_that_does_not_fit_its_field_is_refused() {
    assert_eq!(written(Value::Unsigned(256), DataType::Unsigned64, 1), Err(EncodeError::Range(1)));
    assert_eq!(written(Value::Unsigned(255), DataType::Unsigned64, 1), Ok(vec![255]));
    assert_eq!(written(Value::Signed(128), DataType::Signed16, 1), Err(EncodeError::Range(1)));
    assert_eq!(written(Value::Signed(-128), DataType::Signed16, 1), Ok(vec![0x80]));
    assert_eq!(written(Value::Signed(-129), DataType::Signed16, 1), Err(EncodeError::Range(1)));
    let late = Value::Time(Time::new(1 << 32, 0));
    assert_eq!(written(late, DataType::DateTimeSeconds, 4), Err(EncodeError::Range(4)));
    assert_eq!(written(Value::Text("four"), DataType::String, 3), Err(EncodeError::Range(3)));
}

#[test]
fn types_that_are_not_shortened_refuse_other_lengths() {
    for (data_type, length) in [
        (DataType::Ipv4Address, 3),
        (DataType::Ipv6Address, 4),
        (DataType::MacAddress, 8),
        (DataType::Boolean, 2),
        (DataType::DateTimeSeconds, 8),
        (DataType::DateTimeMilliseconds, 4),
        (DataType::DateTimeMicroseconds, 7),
        (DataType::Float32, 8),
        (DataType::Unsigned8, 0),
        (DataType::Unsigned32, 5),
    ] {
        let octets = vec![1; length];
        assert_eq!(read(data_type, &octets), Err(ValueError::Length { data_type, length }));
        let refused = Err(EncodeError::Length { data_type, length: length as u16 });
        assert_eq!(written(Value::Unsigned(1), data_type, length as u16), refused);
    }
    assert!(written(Value::Unsigned(1), DataType::Unsigned8, VARIABLE).is_err());
}

#[test]
fn true_is_one_and_false_is_two() {
    assert_eq!(written(Value::Boolean(true), DataType::Boolean, 1), Ok(vec![1]));
    assert_eq!(written(Value::Boolean(false), DataType::Boolean, 1), Ok(vec![2]));
    assert_eq!(read(DataType::Boolean, &[2]), Ok(Value::Boolean(false)));
    for octet in [0, 3, 255] {
        assert_eq!(read(DataType::Boolean, &[octet]), Err(ValueError::Boolean(octet)));
    }
}

#[test]
fn a_text_is_utf8() {
    assert_eq!(read(DataType::String, "žluť".as_bytes()), Ok(Value::Text("žluť")));
    assert_eq!(read(DataType::String, b"\xc5"), Err(ValueError::Text));
    assert_eq!(read(DataType::OctetArray, b"\xc5"), Ok(Value::Octets(b"\xc5")));
    assert_eq!(read(DataType::String, b""), Ok(Value::Text("")));
}

#[test]
fn a_double_may_be_sent_as_a_float() {
    let octets = written(Value::Float(0.9375), DataType::Float64, 4).unwrap();
    assert_eq!(octets, 0.9375f32.to_be_bytes());
    assert_eq!(read(DataType::Float64, &octets), Ok(Value::Float(0.9375)));
    assert_eq!(written(Value::Float(0.1), DataType::Float64, 8), Ok(0.1f64.to_be_bytes().to_vec()));
}

#[test]
fn large_numbers_lose_their_leading_zeros_and_find_them_again() {
    assert_eq!(written(Value::Unsigned(258), DataType::Unsigned256, 3), Ok(vec![0, 1, 2]));
    let octets = [0, 0, 7, 8];
    assert_eq!(written(Value::Unsigned256(&octets), DataType::Unsigned256, 2), Ok(vec![7, 8]));
    assert_eq!(written(Value::Unsigned256(&octets), DataType::Unsigned256, 1), Err(EncodeError::Range(1)));
    let full = written(Value::Unsigned256(&octets), DataType::Unsigned256, 32).unwrap();
    assert_eq!((full.len(), &full[28..]), (32, &octets[..]));
}

#[test]
fn a_value_of_another_type_and_a_full_buffer_are_refused_without_a_trace() {
    assert_eq!(
        written(Value::Text("1"), DataType::Unsigned8, 1),
        Err(EncodeError::Type(DataType::Unsigned8))
    );
    let mut buffer = [0; 3];
    let mut out = Writer::new(&mut buffer);
    let full = Value::Unsigned(1).put(DataType::Unsigned32, 4, &mut out);
    assert_eq!((full, out.len()), (Err(EncodeError::Full(Full)), 0));
    let full = Value::Text("a").put(DataType::String, 4, &mut out);
    assert_eq!((full, out.len()), (Err(EncodeError::Full(Full)), 0));
}

#[test]
fn addresses_are_as_they_are_written() {
    let v6 = "2001:db8::1".parse().unwrap();
    let octets = written(Value::Ipv6(v6), DataType::Ipv6Address, 16).unwrap();
    assert_eq!((octets[0], octets[15]), (0x20, 1));
    assert_eq!(read(DataType::Ipv6Address, &octets), Ok(Value::Ipv6(v6)));
    let v4 = "192.0.2.1".parse().unwrap();
    assert_eq!(written(Value::Ipv4(v4), DataType::Ipv4Address, 4), Ok(vec![192, 0, 2, 1]));
    assert_eq!(read(DataType::MacAddress, &[1, 2, 3, 4, 5, 6]), Ok(Value::Mac([1, 2, 3, 4, 5, 6])));
}

/// Octets of a length that the type allows.
fn octets_of(data_type: DataType) -> BoxedStrategy<Vec<u8>> {
    let lengths: Vec<usize> = (0..=300).filter(|&length| data_type.fits(length)).map(usize::from).collect();
    prop::sample::select(lengths).prop_flat_map(|length| prop::collection::vec(any::<u8>(), length)).boxed()
}

proptest! {
    #[test]
    fn what_can_be_read_is_written_as_it_was(
        (data_type, octets) in prop::sample::select(DataType::ALL)
            .prop_flat_map(|data_type| (Just(data_type), octets_of(data_type)))
    ) {
        if let Ok(value) = read(data_type, &octets) {
            let again = written(value, data_type, octets.len() as u16).unwrap();
            match value {
                // What is below the resolution goes.
                Value::Time(_) => {
                    let (first, second) = (read(data_type, &octets), read(data_type, &again));
                    prop_assert_eq!(first, second);
                }
                Value::Float(number) if number.is_nan() => {}
                _ => prop_assert_eq!(&again, &octets),
            }
        }
    }

    #[test]
    fn what_can_be_written_is_read_as_it_was(number: u64, length in 1u16..=8) {
        if let Ok(octets) = written(Value::Unsigned(number), DataType::Unsigned64, length) {
            prop_assert_eq!(read(DataType::Unsigned64, &octets), Ok(Value::Unsigned(number)));
        } else {
            prop_assert!(number >= 1 << (8 * length));
        }
        let signed = number as i64;
        if let Ok(octets) = written(Value::Signed(signed), DataType::Signed64, length) {
            prop_assert_eq!(read(DataType::Signed64, &octets), Ok(Value::Signed(signed)));
        } else {
            let half = 1i64 << (8 * length - 1);
            prop_assert!(!(-half..half).contains(&signed));
        }
    }
}
