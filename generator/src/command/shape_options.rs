//! The options that say what a shape makes, whether it is written or sent.

use super::{
    UsageError,
    arguments::{Arguments, Named},
};
use crate::{shapes::Shape, traffic::Parameters};

/// What was given of them.
#[derive(Debug, Default)]
pub(super) struct ShapeOptions {
    seed: Option<u64>,
    flows: Option<usize>,
    new_flows: Option<u64>,
    live_share: Option<u64>,
    background: Option<u64>,
    last: Option<String>,
}

impl ShapeOptions {
    /// Takes an option if it is one of these.
    pub(super) fn take(&mut self, option: &Named, arguments: &mut Arguments) -> Result<bool, UsageError> {
        match option.name.as_str() {
            "--seed" => self.seed = Some(arguments.number(option, 0..=u64::MAX)?),
            "--flows" => self.flows = Some(arguments.number(option, 1..=u32::MAX.into())? as usize),
            "--new-flows" => self.new_flows = Some(arguments.number(option, 0..=u64::MAX)?),
            "--live-share" => self.live_share = Some(arguments.number(option, 0..=100)?),
            "--background" => self.background = Some(arguments.number(option, 0..=100)?),
            _ => return Ok(false),
        }
        self.last = Some(option.name.clone());
        Ok(true)
    }

    /// The name of the last option taken.
    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// What they make of a shape's usual parameters. Where there is a background, the number of flows is that of its flows.
    pub(super) fn parameters(&self, shape: Shape) -> Result<Parameters, UsageError> {
        let mut parameters = Parameters::of(shape);
        let in_flood = shape == Shape::LiveInFlood;
        if self.live_share.is_some() && !in_flood {
            return Err(UsageError(format!("--live-share is for {} only", Shape::LiveInFlood.name())));
        }
        if self.background.is_some() && in_flood {
            return Err(UsageError(format!("{} has a background: see --live-share", shape.name())));
        }
        if !shape.keeps_flows()
            && (self.new_flows.is_some() || self.flows.is_some() && self.background.is_none())
        {
            return Err(UsageError(format!("every packet of {} is a new flow", shape.name())));
        }
        set(&mut parameters.seed, self.seed);
        set(&mut parameters.new_flows, self.new_flows);
        set(&mut parameters.live_share, self.live_share);
        set(&mut parameters.background, self.background);
        if parameters.background > 0 {
            set(&mut parameters.background_flows, self.flows);
        } else {
            set(&mut parameters.flows, self.flows);
        }
        Ok(parameters)
    }
}

fn set<T: Copy>(parameter: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *parameter = given;
    }
}
