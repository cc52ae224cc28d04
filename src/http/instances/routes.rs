//! The routes of instances.

use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::{settings, traces};
use crate::app::App;
use crate::http::Access::{self, Platform, Token};

/// Adds every route of this family to the one list.
pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    add(Platform, routes!(super::create));
    add(Platform, routes!(super::list));
    add(Platform, routes!(super::count));
    add(Platform, routes!(super::read));
    add(Platform, routes!(super::update));
    add(Platform, routes!(super::delete));
    add(Platform, routes!(super::enable));
    add(Platform, routes!(super::disable));
    add(Platform, routes!(settings::list));
    add(Platform, routes!(settings::read));
    add(Platform, routes!(settings::update));
    add(Platform, routes!(super::create_for_element));
    add(Platform, routes!(traces::read));
    add(Platform, routes!(super::list_of_element));
    add(Platform, routes!(super::read_of_element));
    add(Platform, routes!(super::update_of_element));
    add(Platform, routes!(super::delete_of_element));
    add(Token, routes!(super::update_by_token));
    add(Token, routes!(super::delete_by_token));
    add(Token, routes!(super::enable_by_token));
    add(Token, routes!(super::disable_by_token));
    add(Token, routes!(settings::list_by_token));
    add(Token, routes!(settings::read_by_token));
    add(Token, routes!(settings::update_by_token));
}
