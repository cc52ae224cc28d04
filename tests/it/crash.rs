//! The real binary through first starts, second starts, signals and kills.

mod first_start;
mod kills;
mod leftovers;
mod refusals;
mod several;

use crate::database::TestDatabase;
use crate::process::{Folder, new_keyring};

/// A test's database as it is before any server has seen it.
async fn emptied(database: &TestDatabase) {
    for statement in ["drop schema public cascade", "create schema public"] {
        sqlx::query(statement)
            .execute(&database.pool)
            .await
            .expect("the schema is emptied");
    }
}

/// A keyring in the folder, for an external database.
async fn keyring(folder: &Folder, name: &str) -> String {
    let file = folder.text(name);
    new_keyring(&file).await;
    file
}
