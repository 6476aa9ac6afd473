#ifndef MEMBERS_LAB_H
#define MEMBERS_LAB_H

#include "err.h"
#include "plan.h"

/*
 * Adds the files of a lab's own folder that its bundle carries: README.html and all of services/ checks/ guide/ values/
 * manifests/, each where it is. Regular files only: a link, a hidden or left-over file, a name that the format does not
 * allow is an ERR_USAGE that names it.
 */
int members_add_lab(struct plan *plan, const char *dir, struct err *err);

#endif
