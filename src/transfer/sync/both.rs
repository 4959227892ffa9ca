//! Both directions at once with nobody to decide name by name: what is done, and what is left alone
//! for which reason. Pure, as all of `sync` is.

use super::{Comparison, Mode, Pair, Relation, Way};
use crate::{
    fs::Location,
    transfer::{OnConflict, Policy, Request},
};

impl Comparison {
    /// Each side gets what only the other one has. Nobody remembers how the sides were before, so
    /// what both have and differs is nobody's to decide: only under [`OnConflict::Newer`] does the
    /// newer one replace the other.
    pub fn both_ways(pairs: Vec<Pair>, on_conflict: OnConflict) -> Comparison {
        let mut comparison = Comparison { mode: Mode::Both, ..Comparison::default() };
        comparison.add(pairs);
        if on_conflict != OnConflict::Newer {
            for (own, pair) in comparison.own.iter_mut().zip(&comparison.pairs) {
                if pair.relation.is_change() {
                    *own = Some(Way::Nothing);
                }
            }
            comparison.settle();
        }
        comparison
    }

    /// What differs and stays as it is, with the reason.
    pub fn left_alone(&self) -> impl Iterator<Item = (&Pair, &'static str)> {
        let alone = self.pairs.iter().zip(&self.ways).filter(|(_, way)| **way == Way::Nothing);
        alone.filter_map(|(pair, _)| {
            let why = match pair.relation {
                Relation::Same => return None,
                Relation::OnlyLeft | Relation::OnlyRight => "it is a device, a socket or a pipe",
                Relation::Clash => "the two sides have things of different kinds there",
                Relation::Different => "both sides have it and differ, and neither is known to be newer",
                Relation::NewerLeft | Relation::NewerRight => {
                    "both sides have it and differ; --on-conflict newer takes the newer one"
                }
            };
            Some((pair, why))
        })
    }

    /// [`Comparison::requests`] under a policy, which also decides about what comes into the way
    /// until they are carried out.
    pub fn requests_under(&self, left: &Location, right: &Location, policy: &Policy) -> Vec<Request> {
        let requests = self.requests(left, right).into_iter();
        let under = |request: Request| {
            let chosen = request.policy.chosen.clone();
            Request { policy: Policy { chosen, ..policy.clone() }, ..request }
        };
        requests.map(under).collect()
    }
}
