//! Values on the wire.

use weir_ipfix::element::DataType;
use weir_ipfix::template::VARIABLE;
use weir_ipfix::time::Time;
use weir_ipfix::value::{EncodeError, Value, ValueError};
use weir_ipfix::wire::Writer;

/// 2012-07-23 14:53:25 UTC
const JULY: Time = Time { seconds: 1_343_055_205, nanoseconds: 0 };

/// 2036-02-07 06:28:16 UTC, where the seconds of NTP begin again.
const ERA: Time = Time { seconds: 2_085_978_496, nanoseconds: 0 };

fn written(value: Value<'_>, data_type: DataType, length: u16) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = [0; 100];
    let mut out = Writer::new(&mut buffer);
    value.put(data_type, length, &mut out)?;
    Ok(out.written().to_vec())
}

fn read(data_type: DataType, octets: &[u8]) -> Result<Value<'_>, ValueError> {
    Value::read(data_type, octets, JULY)
}

/// RFC 7011, 6.1.1
#[test]
fn the_most_significant_octet_of_a_number_comes_first() {
    let number = Value::Unsigned(0x0102_0304);
    assert_eq!(written(number, DataType::Unsigned32, 4), Ok(vec![1, 2, 3, 4]));
    assert_eq!(read(DataType::Unsigned32, &[1, 2, 3, 4]), Ok(number));
    assert_eq!(written(Value::Float(-2.0), DataType::Float32, 4), Ok(vec![0xc0, 0, 0, 0]));
    assert_eq!(read(DataType::Float64, &[0xc0, 0, 0, 0, 0, 0, 0, 0]), Ok(Value::Float(-2.0)));
}

/// RFC 7011, 6.1.5
#[test]
fn true_is_1_and_false_is_2_and_nothing_else_is_either() {
    for (truth, octet) in [(true, 1), (false, 2)] {
        assert_eq!(written(Value::Boolean(truth), DataType::Boolean, 1), Ok(vec![octet]));
        assert_eq!(read(DataType::Boolean, &[octet]), Ok(Value::Boolean(truth)));
    }
    for octet in [0, 3, 255] {
        assert_eq!(read(DataType::Boolean, &[octet]), Err(ValueError::Boolean(octet)));
    }
}

/// RFC 7011, 6.1.6
#[test]
fn a_text_that_is_not_utf_8_is_reported_and_none_is_written() {
    let text = "Grüße";
    assert_eq!(written(Value::Text(text), DataType::String, 7), Ok(text.as_bytes().to_vec()));
    assert_eq!(read(DataType::String, text.as_bytes()), Ok(Value::Text(text)));
    for wrong in [&b"\xff"[..], b"a\xc3", b"\xed\xa0\x80", b"\xc0\x80"] {
        assert_eq!(read(DataType::String, wrong), Err(ValueError::Text), "{wrong:?}");
        assert_eq!(
            written(Value::Octets(wrong), DataType::String, VARIABLE),
            Err(EncodeError::Type(DataType::String))
        );
    }
    for length in 0..7 {
        let cut = written(Value::Text(text), DataType::String, length);
        assert_eq!(cut, Err(EncodeError::Range(length)), "not in the middle of a letter");
    }
}

/// RFC 7011, 6.2
#[test]
fn numbers_may_be_shortened_and_keep_their_sign() {
    for (data_type, lengths) in [
        (DataType::Signed16, &[1, 2][..]),
        (DataType::Signed32, &[1, 2, 4]),
        (DataType::Signed64, &[1, 2, 4, 8]),
    ] {
        for &length in lengths {
            let minus_one = vec![0xff; length as usize];
            assert_eq!(read(data_type, &minus_one), Ok(Value::Signed(-1)));
            assert_eq!(written(Value::Signed(-1), data_type, length), Ok(minus_one));
        }
    }
    assert_eq!(read(DataType::Signed32, &[0x80, 0]), Ok(Value::Signed(-32_768)));
    assert_eq!(written(Value::Signed(-129), DataType::Signed32, 1), Err(EncodeError::Range(1)));
    assert_eq!(written(Value::Signed(128), DataType::Signed32, 1), Err(EncodeError::Range(1)));
    for data_type in [DataType::Unsigned16, DataType::Unsigned32, DataType::Unsigned64] {
        for length in 1..=data_type.length().unwrap() {
            let largest = u64::MAX >> (64 - 8 * length);
            assert_eq!(read(data_type, &vec![0xff; length.into()]), Ok(Value::Unsigned(largest)));
            assert_eq!(written(Value::Unsigned(largest), data_type, length), Ok(vec![0xff; length.into()]));
        }
    }
    assert_eq!(written(Value::Unsigned(256), DataType::Unsigned64, 1), Err(EncodeError::Range(1)));
    assert_eq!(read(DataType::Float64, &[0x40, 0x20, 0, 0]), Ok(Value::Float(2.5)));
    assert_eq!(written(Value::Float(2.5), DataType::Float64, 4), Ok(vec![0x40, 0x20, 0, 0]));
}

/// RFC 7011, 6.2
#[test]
fn nothing_else_may_be_shortened() {
    let whole = [
        (DataType::Unsigned8, 1),
        (DataType::Signed8, 1),
        (DataType::Float32, 4),
        (DataType::Boolean, 1),
        (DataType::MacAddress, 6),
        (DataType::Ipv4Address, 4),
        (DataType::Ipv6Address, 16),
        (DataType::DateTimeSeconds, 4),
        (DataType::DateTimeMilliseconds, 8),
        (DataType::DateTimeMicroseconds, 8),
        (DataType::DateTimeNanoseconds, 8),
    ];
    for (data_type, whole) in whole {
        for length in 0..=20 {
            let octets = vec![1; length];
            let refused = Err(ValueError::Length { data_type, length });
            assert_eq!(read(data_type, &octets) == refused, length != whole, "{data_type} {length}");
        }
    }
    let too_long = read(DataType::Unsigned32, &[0; 5]);
    assert_eq!(too_long, Err(ValueError::Length { data_type: DataType::Unsigned32, length: 5 }));
}

/// RFC 7011, 6.1.7 and 6.1.8
#[test]
fn seconds_and_milliseconds_count_from_1970() {
    let time = Time::new(JULY.seconds, 999_999_999);
    let written = |data_type, length| written(Value::Time(time), data_type, length).unwrap();
    assert_eq!(written(DataType::DateTimeSeconds, 4), 0x500d_6565u32.to_be_bytes());
    assert_eq!(
        written(DataType::DateTimeMilliseconds, 8),
        1_343_055_205_999u64.to_be_bytes(),
        "rounded down"
    );
    let milliseconds = 1_343_055_205_999u64.to_be_bytes();
    let expected = Time::new(JULY.seconds, 999_000_000);
    assert_eq!(read(DataType::DateTimeMilliseconds, &milliseconds), Ok(Value::Time(expected)));
    let last = Time::new(u32::MAX.into(), 0);
    assert_eq!(read(DataType::DateTimeSeconds, &[0xff; 4]), Ok(Value::Time(last)), "unsigned, up to 2106");
    let later = Value::Time(Time::new(1 << 32, 0));
    assert_eq!(self::written(later, DataType::DateTimeSeconds, 4), Err(EncodeError::Range(4)));
}

/// RFC 7011, 6.1.9 and 6.1.10
#[test]
fn microseconds_and_nanoseconds_are_those_of_ntp_and_come_back_as_they_were() {
    let ntp_seconds = (JULY.seconds + 2_208_988_800) << 32;
    let half = Time::new(JULY.seconds, 500_000_000);
    for data_type in [DataType::DateTimeMicroseconds, DataType::DateTimeNanoseconds] {
        let octets = (ntp_seconds | 1 << 31).to_be_bytes();
        assert_eq!(written(Value::Time(half), data_type, 8), Ok(octets.to_vec()));
        assert_eq!(read(data_type, &octets), Ok(Value::Time(half)));
    }
    for nanoseconds in [0, 1, 999, 1000, 1001, 667_210_000, 999_999_000, 999_999_999] {
        let time = Time::new(JULY.seconds, nanoseconds);
        let octets = written(Value::Time(time), DataType::DateTimeNanoseconds, 8).unwrap();
        assert_eq!(read(DataType::DateTimeNanoseconds, &octets), Ok(Value::Time(time)));
        let octets = written(Value::Time(time), DataType::DateTimeMicroseconds, 8).unwrap();
        let fraction = u32::from_be_bytes(octets[4..].try_into().unwrap());
        assert_eq!(fraction & 0x7ff, 0, "the last eleven bits of the fraction of {nanoseconds} ns");
        let microseconds = Time::new(JULY.seconds, nanoseconds / 1000 * 1000);
        assert_eq!(read(DataType::DateTimeMicroseconds, &octets), Ok(Value::Time(microseconds)));
    }
    // One that rounds down and does not clear the bits: 667,210 µs are 0xaace4649.9 of 2⁻³² s.
    let down = (ntp_seconds | 0xaace_4649).to_be_bytes();
    let meant = Time::new(JULY.seconds, 667_210_000);
    assert_eq!(read(DataType::DateTimeMicroseconds, &down), Ok(Value::Time(meant)));
}

/// RFC 7011, 6.1.9 and 6.1.10
#[test]
fn on_7_february_2036_the_seconds_of_ntp_begin_again() {
    let before = Time::new(ERA.seconds - 1, 999_999_000);
    for data_type in [DataType::DateTimeMicroseconds, DataType::DateTimeNanoseconds] {
        assert_eq!(written(Value::Time(ERA), data_type, 8), Ok(vec![0; 8]));
        let last = written(Value::Time(before), data_type, 8).unwrap();
        assert_eq!(last[..4], [0xff; 4]);
        // Whether the message was exported a while before or after.
        for near in [Time::new(ERA.seconds - 100_000, 0), before, ERA, Time::new(ERA.seconds + 100_000, 0)] {
            assert_eq!(Value::read(data_type, &[0; 8], near), Ok(Value::Time(ERA)));
            assert_eq!(Value::read(data_type, &last, near), Ok(Value::Time(before)));
        }
    }
}
