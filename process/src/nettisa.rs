//! `nettisa`: features of the time series of a flow's packets: lengths and times of both directions mixed.
//!
//! J. Koumar, K. Hynek, J. Pešek, T. Čejka, "NetTiSA: Extended IP Flow with Time-series Features for Universal
//! Bandwidth-constrained High-speed Network Traffic Classification", arXiv 2310.05530. Models were trained on the values
//! that ipfixprobe computes, which depart from the paper's: `series` says where.

mod series;

use weir_flow::{
    Field, FieldType, Flow, Instances, Schema, Value,
    field::CESNET,
    plugin::{Account, Descriptor, Finish, Interest, Plugin, Slot, View},
};

use self::series::Series;
use crate::factory::factory;

static FIELDS: &[Field] = &[
    Field::new("NTS_MEAN", FieldType::F32, CESNET, 1020, "mean payload length"),
    Field::new("NTS_MIN", FieldType::U16, CESNET, 1021, "smallest payload length"),
    Field::new("NTS_MAX", FieldType::U16, CESNET, 1022, "greatest payload length"),
    Field::new("NTS_STDEV", FieldType::F32, CESNET, 1023, "standard deviation of payload lengths"),
    Field::new("NTS_KURTOSIS", FieldType::F32, CESNET, 1024, "kurtosis of payload lengths"),
    Field::new("NTS_ROOT_MEAN_SQUARE", FieldType::F32, CESNET, 1025, "root mean square of payload lengths"),
    Field::new(
        "NTS_AVERAGE_DISPERSION",
        FieldType::F32,
        CESNET,
        1026,
        "mean absolute deviation of payload lengths",
    ),
    Field::new(
        "NTS_MEAN_SCALED_TIME",
        FieldType::F32,
        CESNET,
        1027,
        "mean time since the first packet, in microseconds",
    ),
    Field::new(
        "NTS_MEAN_DIFFTIMES",
        FieldType::F32,
        CESNET,
        1028,
        "mean time between packets, in microseconds",
    ),
    Field::new(
        "NTS_MIN_DIFFTIMES",
        FieldType::F32,
        CESNET,
        1029,
        "shortest time between packets, in microseconds: always 0",
    ),
    Field::new(
        "NTS_MAX_DIFFTIMES",
        FieldType::F32,
        CESNET,
        1030,
        "longest time between packets, in microseconds",
    ),
    Field::new(
        "NTS_TIME_DISTRIBUTION",
        FieldType::F32,
        CESNET,
        1031,
        "deviation of the times between packets, normalised",
    ),
    Field::new(
        "NTS_SWITCHING_RATIO",
        FieldType::F32,
        CESNET,
        1032,
        "how often the length changes from packet to packet",
    ),
];

/// The fields, and their form as text.
pub static SCHEMA: Schema = Schema::new(
    "nettisa",
    FIELDS,
    "ntsmean={NTS_MEAN},ntsmin={NTS_MIN},ntsmax={NTS_MAX},ntsstdev={NTS_STDEV},ntskurtosis={NTS_KURTOSIS},\
     ntsrms={NTS_ROOT_MEAN_SQUARE},ntsdispersion={NTS_AVERAGE_DISPERSION},ntsscaledtime={NTS_MEAN_SCALED_TIME},\
     ntsdifftimes={NTS_MEAN_DIFFTIMES},ntsmindifftimes={NTS_MIN_DIFFTIMES},ntsmaxdifftimes={NTS_MAX_DIFFTIMES},\
     ntstimedistribution={NTS_TIME_DISTRIBUTION},ntsswitching={NTS_SWITCHING_RATIO}",
);

/// The plugin, as the registry lists it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    names: &["nettisa"],
    doc: "features of the time series of packets (NetTiSA)",
    schema: &SCHEMA,
    options: &[],
    configure: |_| Ok(factory(Interest::EVERYTHING, |_| TimeSeries)),
};

struct TimeSeries;

impl Plugin for TimeSeries {
    type State = Series;

    #[inline]
    fn account(&mut self, view: &View<'_>, slot: &mut Slot<'_, Series>) -> Account {
        slot.get_or_insert_with(|| Series::beginning(view.packet)).take_in(view.packet, view.flow);
        Account::CONTINUE
    }

    /// A single packet is no series.
    fn finish(&mut self, flow: &Flow, _state: &mut Series) -> Finish {
        if flow.total_packets() <= 1 { Finish::Drop } else { Finish::Keep }
    }

    fn export<'a>(&'a mut self, flow: &'a Flow, state: &'a Series, instances: &mut Instances<'a>) {
        let features = state.features(flow.total_packets());
        instances.add([
            Value::F32(features.mean),
            Value::U16(features.least),
            Value::U16(features.greatest),
            Value::F32(features.standard_deviation),
            Value::F32(features.kurtosis),
            Value::F32(features.root_mean_square),
            Value::F32(features.dispersion),
            Value::F32(features.mean_scaled_time),
            Value::F32(features.mean_pause),
            Value::F32(0.0),
            Value::F32(features.longest_pause),
            Value::F32(features.time_distribution),
            Value::F32(features.switching_ratio),
        ]);
    }
}
