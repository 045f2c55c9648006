//! How packets were sampled (RFC 5476, 6.5; the elements are those of RFC 5477).

use super::{OptionsRecord, Values};
use crate::message::Record;
use crate::value::{Value, unsigned};

const OBSERVATION_POINT: u16 = 138;
const SEQUENCE: u16 = 301;
const SELECTOR: u16 = 302;
const ALGORITHM: u16 = 304;
const PACKET_INTERVAL: u16 = 305;
const PACKET_SPACE: u16 = 306;
const TIME_INTERVAL: u16 = 307;
const TIME_SPACE: u16 = 308;
const SIZE: u16 = 309;
const POPULATION: u16 = 310;
const PROBABILITY: u16 = 311;

/// What packets go through from where they are observed to where they are metered (RFC 5476, 6.5.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SelectionSequence {
    /// Its id, which records of flows may have (`selectionSequenceId`).
    pub id: u64,
    /// Where the packets are observed.
    pub observation_point: u64,
    /// The selectors, in the order in which packets go through them.
    pub selectors: Vec<u64>,
}

impl SelectionSequence {
    /// What an options record says; `None` if it says something else.
    pub fn read(record: &Record<'_, '_>) -> Option<SelectionSequence> {
        let values = Values(record);
        let selectors = (0..).map_while(|place| values.nth(SELECTOR, place));
        let selectors: Vec<u64> =
            selectors.take(MOST_SELECTORS).filter(|octets| octets.len() <= 8).map(unsigned).collect();
        let (id, observation_point) = (values.unsigned(SEQUENCE)?, values.unsigned(OBSERVATION_POINT)?);
        (!selectors.is_empty()).then_some(SelectionSequence { id, observation_point, selectors })
    }
}

/// Selectors of a sequence that are read. Looking for each begins at the front of the record.
const MOST_SELECTORS: usize = 64;

impl OptionsRecord for SelectionSequence {
    const SCOPE_FIELDS: u16 = 1;

    fn values(&self) -> Vec<(u16, Value<'_>)> {
        let mut values = vec![
            (SEQUENCE, Value::Unsigned(self.id)),
            (OBSERVATION_POINT, Value::Unsigned(self.observation_point)),
        ];
        values.extend(self.selectors.iter().map(|&id| (SELECTOR, Value::Unsigned(id))));
        values
    }
}

/// A selector, and how it selects (RFC 5476, 6.5.2).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Selector {
    /// Its id in the selection sequences.
    pub id: u64,
    /// How it selects.
    pub algorithm: SelectorAlgorithm,
}

/// How a selector samples (RFC 5475, 5).
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum SelectorAlgorithm {
    /// So many packets in a row, then so many not: 1 and 99 are one of a hundred.
    SystematicCount {
        /// Packets that are selected.
        interval: u32,
        /// Packets that are not.
        space: u32,
    },
    /// All packets for so many microseconds, then none for so many.
    SystematicTime {
        /// Microseconds in which packets are selected.
        interval: u32,
        /// Microseconds in which they are not.
        space: u32,
    },
    /// So many of each so many, by chance.
    RandomOfPopulation {
        /// Packets that are selected,
        size: u32,
        /// of so many.
        population: u32,
    },
    /// Each with this probability.
    UniformProbability(f64),
}

impl Selector {
    /// What an options record says; `None` if it says something else, or of an algorithm that filters.
    pub fn read(record: &Record<'_, '_>) -> Option<Selector> {
        let values = Values(record);
        let pair = |first, second| Some((values.u32(first)?, values.u32(second)?));
        let algorithm = match values.u16(ALGORITHM)? {
            1 => pair(PACKET_INTERVAL, PACKET_SPACE)
                .map(|(interval, space)| SelectorAlgorithm::SystematicCount { interval, space }),
            2 => pair(TIME_INTERVAL, TIME_SPACE)
                .map(|(interval, space)| SelectorAlgorithm::SystematicTime { interval, space }),
            3 => pair(SIZE, POPULATION)
                .map(|(size, population)| SelectorAlgorithm::RandomOfPopulation { size, population }),
            4 => values.float(PROBABILITY).map(SelectorAlgorithm::UniformProbability),
            _ => None,
        };
        Some(Selector { id: values.unsigned(SELECTOR)?, algorithm: algorithm? })
    }
}

impl OptionsRecord for Selector {
    const SCOPE_FIELDS: u16 = 1;

    fn values(&self) -> Vec<(u16, Value<'_>)> {
        let pair = |first: (u16, u32), second: (u16, u32)| {
            [first, second].map(|(number, value)| (number, Value::Unsigned(value.into()))).to_vec()
        };
        let (algorithm, parameters) = match self.algorithm {
            SelectorAlgorithm::SystematicCount { interval, space } => {
                (1, pair((PACKET_INTERVAL, interval), (PACKET_SPACE, space)))
            }
            SelectorAlgorithm::SystematicTime { interval, space } => {
                (2, pair((TIME_INTERVAL, interval), (TIME_SPACE, space)))
            }
            SelectorAlgorithm::RandomOfPopulation { size, population } => {
                (3, pair((SIZE, size), (POPULATION, population)))
            }
            SelectorAlgorithm::UniformProbability(probability) => {
                (4, vec![(PROBABILITY, Value::Float(probability))])
            }
        };
        let mut values = vec![(SELECTOR, Value::Unsigned(self.id)), (ALGORITHM, Value::Unsigned(algorithm))];
        values.extend(parameters);
        values
    }
}
