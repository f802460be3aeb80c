//! The tree of routes.

use super::ROUTE;
use super::ties::Ties;
use crate::model::Version;
use crate::model::alerting::{Route, RouteTree};
use crate::store::guard::expect_version;
use crate::store::{StoreError, Tx, WriteTx};

impl Tx {
    /// The tree of routes; one that tells nobody when nobody made any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn route_tree(&mut self) -> Result<RouteTree, StoreError> {
        let (route, version, updated_at) = self.document::<Route>(ROUTE).await?;
        Ok(RouteTree {
            route,
            version,
            updated_at,
        })
    }
}

impl WriteTx {
    /// Replaces the whole tree of routes; with a version only when it still has that.
    ///
    /// # Errors
    /// [`StoreError::Changed`]; [`StoreError::Invalid`] when it names a receiver or
    /// an interval that there is not.
    pub async fn set_route_tree(
        &mut self,
        version: Option<Version>,
        route: &Route,
    ) -> Result<(RouteTree, RouteTree), StoreError> {
        self.take_turn().await?;
        let before = self.route_tree().await?;
        expect_version(before.version, version)?;
        let mut alerting = self.alerting().await?;
        alerting.route = route.clone();
        alerting.check_route().map_err(StoreError::Invalid)?;
        self.put_document(ROUTE, route).await?;
        Ok((before, self.route_tree().await?))
    }

    pub(super) async fn rename_in_routes(
        &mut self,
        part: &(impl Ties + Sync),
        name: &str,
    ) -> Result<(), StoreError> {
        let before = self.route_tree().await?.route;
        let mut after = before.clone();
        after.walk_mut(&mut |route| part.rename_in(route, name));
        match after == before {
            true => Ok(()),
            false => self.put_document(ROUTE, &after).await,
        }
    }

    pub(super) async fn expect_no_route(
        &mut self,
        part: &(impl Ties + Sync),
    ) -> Result<(), StoreError> {
        let tree = self.route_tree().await?.route;
        let mut count = 0;
        tree.walk(&mut |_, route| count += i64::from(part.is_in(route)));
        match count {
            0 => Ok(()),
            count => Err(StoreError::InUse {
                count,
                users: "routes",
            }),
        }
    }
}
