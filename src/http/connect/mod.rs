//! The connect page: what applications call (`api`, `branding`), and what people see.

mod answers;
mod api;
mod branding;
mod browser;
mod described;
mod pages;
mod show;

use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub use show::unknown as bare_page;

use crate::app::App;
use crate::http::Access::{self, Link, Page, Platform};

/// Adds every route of this family to the one list.
pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    add(Platform, routes!(api::make));
    add(Platform, routes!(api::read));
    add(Platform, routes!(branding::read_settings));
    add(Platform, routes!(branding::change_settings));
    add(Platform, routes!(branding::read));
    add(Platform, routes!(branding::change));
    add(Platform, routes!(branding::remove));
    add(Page, routes!(pages::style));
    add(Link, routes!(pages::callback));
    add(Link, routes!(pages::start));
    add(Link, routes!(pages::submit));
    add(Link, routes!(pages::done));
    add(Link, routes!(pages::logo));
    add(Link, routes!(pages::brand_style));
}
