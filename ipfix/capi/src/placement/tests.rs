#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::ptr;

use proptest::prelude::*;

use super::*;

/// The memory of a program.
#[repr(C)]
struct Values {
    octets: u64,
    address: u32,
    protocol: u8,
    is_reliable: u8,
    name: Octets,
}

impl Values {
    fn new() -> Box<Values> {
        // SAFETY: all of it is valid when it is zero.
        unsafe { Box::new(std::mem::zeroed()) }
    }

    fn template(&mut self) -> Placed {
        let mut placement = Placement::default();
        let places: [(&str, *mut c_void); 5] = [
            ("octetDeltaCount[5]", ptr::from_mut(&mut self.octets).cast()),
            ("sourceIPv4Address", ptr::from_mut(&mut self.address).cast()),
            ("protocolIdentifier", ptr::from_mut(&mut self.protocol).cast()),
            ("dataRecordsReliability", ptr::from_mut(&mut self.is_reliable).cast()),
            ("interfaceName", ptr::from_mut(&mut self.name).cast()),
        ];
        for (specification, address) in places {
            let model = InformationModel::default();
            let (element, length) = model.resolve(specification).unwrap();
            placement.register(&element, length, address, 0).unwrap();
        }
        placement.placed()
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        // SAFETY: it was initialised.
        unsafe { Octets::free(&raw mut self.name) };
    }
}

/// Takes up to seven octets at a time.
unsafe extern "C" fn write(context: *mut c_void, octets: *const u8, length: usize) -> isize {
    let length = length.min(7);
    // SAFETY: the context is a vector, and there are so many octets.
    unsafe { (*context.cast::<Vec<u8>>()).extend_from_slice(slice::from_raw_parts(octets, length)) };
    length as isize
}

/// Gives up to eleven octets at a time.
unsafe extern "C" fn read(context: *mut c_void, octets: *mut u8, length: usize) -> isize {
    // SAFETY: the context is a reference to octets.
    let rest = unsafe { &mut *context.cast::<&[u8]>() };
    let (taken, after) = rest.split_at(rest.len().min(length).min(11));
    *rest = after;
    // SAFETY: there is room for so many.
    unsafe { ptr::copy_nonoverlapping(taken.as_ptr(), octets, taken.len()) };
    taken.len() as isize
}

/// What is looked at of a record.
type Seen = (u64, u32, Vec<u8>);

/// Collects; answers what was seen.
fn collected(mut octets: &[u8]) -> (Vec<Seen>, Result<(), Fault>) {
    let mut values = Values::new();
    let placed = values.template();
    let values = &raw const *values;
    let (mut seen, started) = (Vec::new(), Cell::new(0));
    let start = |which| {
        started.set(started.get() + 1);
        which == 0
    };
    let end = |_| {
        // SAFETY: it lives, and nobody writes now.
        let Values { octets, address, name, .. } = unsafe { &*values };
        // SAFETY: as above.
        seen.push((*octets, *address, unsafe { Octets::get(name) }.unwrap().to_vec()));
        true
    };
    let source = Source::Function(ptr::from_mut(&mut octets).cast(), read);
    // SAFETY: the memory is there, and the function reads what it is given.
    let result = unsafe { collect(source, &[placed], start, end) };
    assert!(started.get() >= seen.len());
    (seen, result)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn what_is_exported_is_collected_and_no_octet_that_changes_does_harm(
        records in prop::collection::vec((0..1_u64 << 40, any::<u32>(), "\\PC{0,20}"), 1..50),
        longest in 200..2000_usize,
        may_lose in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut octets = Vec::new();
        let destination = Destination::Function(ptr::from_mut(&mut octets).cast(), write);
        let mut exporter = Exporter::new(destination, 1, longest, may_lose).unwrap();
        let mut values = Values::new();
        let placed = values.template();
        for (count, address, name) in &records {
            (values.octets, values.address, values.protocol, values.is_reliable) = (*count, *address, 6, 1);
            // SAFETY: the memory is there.
            unsafe {
                Octets::assign(&raw mut values.name, name.as_bytes()).unwrap();
                exporter.place_values(&placed).unwrap();
            }
        }
        // SAFETY: the function may be called.
        unsafe { exporter.flush() }.unwrap();
        let (seen, result) = collected(&octets);
        prop_assert!(result.is_ok(), "{result:?}");
        let expected: Vec<_> =
            records.iter().map(|(count, address, name)| (*count, *address, name.as_bytes().to_vec())).collect();
        prop_assert_eq!(seen, expected);
        for (index, octet) in changes {
            let at = index.index(octets.len());
            octets[at] = octet;
            let _ = collected(&octets);
            let _ = collected(&octets[..at]);
        }
    }
}
