use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::sign_in::SIGN_OUT_FORM;
use super::templates::{DirectoriesPage, DirectoryRow};
use super::{DirectoryPages, LIST_PATH};
use crate::domain::ManagedBy;
use crate::inbound::{Answer, Description, Method, Operation};
use crate::pages::PageSources;

/// `GET /admin/directories`.
pub(super) const SHOW: Operation = Operation {
    method: Method::Get,
    path: LIST_PATH,
    route: |route| route.to(show),
    description: || {
        Description::new("ShowDirectories", "The directories, for the operator in a browser.")
            .answer(200, Answer::html("The list, or a form that asks for `operations.admin_token`."))
            .error(403, "`Host` is none of the names under which the listener answers.")
    },
};

async fn show(http: HttpRequest, pages: web::Data<DirectoryPages>) -> HttpResponse {
    if !pages.is_signed_in(&http) {
        return pages.show_sign_in(&http, StatusCode::OK, "");
    }
    let views = pages.operated.directories.list();
    let row = |view: &std::sync::Arc<crate::accounts::DirectoryView>| DirectoryRow {
        name: view.directory.name.clone(),
        tenant: view.directory.tenant.to_string(),
        is_active: view.settings.sso.is_active,
        is_read_only: view.directory.managed_by == ManagedBy::File,
    };
    let (token, frame) = (pages.issue_token(&http, SIGN_OUT_FORM), pages.draw_frame());
    let policy = frame.content_policy(&PageSources::default());
    let page = DirectoriesPage { frame, sign_out_token: &token.value, directories: views.iter().map(row).collect() };
    pages.show(StatusCode::OK, &policy, &page, &token)
}
