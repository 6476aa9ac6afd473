#include "members.h"

#include "format.h"
#include "fs.h"
#include "mem.h"
#include "members_lab.h"
#include "oci_layout.h"
#include "render.h"
#include "rootfs.h"
#include "templates.h"

#include <errno.h>
#include <string.h>

/* Where a template lies in a bundle of that target, or NULL: common/X and TARGET/X become X; rootfs/ is an overlay. */
static const char *template_member(const char *path, const char *target)
{
	size_t folder = strcspn(path, "/");

	if (!path[folder] || strncmp(path + folder + 1, "rootfs/", 7) == 0)
		return NULL;
	if ((folder == 6 && memcmp(path, "common", 6) == 0) || (folder == strlen(target) && memcmp(path, target, folder) == 0))
		return path + folder + 1;
	return NULL;
}

static int add_templates(struct plan *plan, const char *target, struct err *err)
{
	int has_lab = 0;

	for (size_t i = 0; i < templates_n; i++) {
		const char *path = template_member(templates[i].path, target);
		if (path && plan_add_mem(plan, path, templates[i].data, templates[i].len, err))
			return -1;
		has_lab |= path && strcmp(path, "lab") == 0;
	}
	return has_lab ? 0 : err_set(err, ERR_WORK, "this labgen was built without the lab script of target %s", target);
}

static int add_texts(struct ctx *ctx, struct lock *lock, struct plan *plan, struct err *err)
{
	cleanup_buf struct buf env = BUF_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_buf struct buf sbom = BUF_INIT;

	render_env(ctx->spec, ctx->platform, &env);
	lock_text(lock, &text);
	if (render_sbom(ctx->spec, lock, ctx->platform, &sbom, err) || plan_add_mem(plan, "lab.env", env.data, env.len, err) ||
		plan_add_mem(plan, "lab.lock", text.data, text.len, err))
		return -1;
	return plan_add_mem(plan, "sbom.cdx.json", sbom.data, sbom.len, err);
}

/* The folder in which this program lies. */
static char *own_folder(void)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len <= 0)
		return xstrdup(".");
	path[len] = '\0';
	return fs_dirname(path);
}

/* labverify for the platform is a file beside labgen, or where make install puts it. */
static int add_labverify(struct plan *plan, const char *platform, struct err *err)
{
	cleanup_free char *folder = own_folder();
	const char *slash = strchr(platform, '/');
	cleanup_free char *name = xasprintf("labverify-%.*s-%s", (int)(slash - platform), platform, slash + 1);
	cleanup_free char *beside = xasprintf("%s/%s", folder, name);
	cleanup_free char *installed = xasprintf(LABGEN_LIBEXECDIR "/%s", name);

	if (access(beside, F_OK) == 0)
		return plan_add_file(plan, "bin/labverify", beside, err);
	if (access(installed, F_OK) == 0)
		return plan_add_file(plan, "bin/labverify", installed, err);
	return err_set(err, ERR_WORK, "%s: the program that checks a bundle on %s is neither in %s nor in " LABGEN_LIBEXECDIR
		"; build it there with make static", name, platform, folder);
}

static int has_member(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n; i++)
		if (strcmp(plan->members[i].path, path) == 0)
			return 1;
	return 0;
}

/* What the spec names in the lab's folder must be there. */
static int check_named(const struct spec *spec, const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < spec->n_items; i++)
		if (spec->items[i].values && !has_member(plan, spec->items[i].values))
			return err_set(err, ERR_USAGE, "%s:%d:%d: there is no %s/%s", spec->file, spec->items[i].line,
				spec->items[i].column, spec->dir, spec->items[i].values);
	for (size_t i = 0; i < spec->n_manifests; i++)
		if (!has_member(plan, spec->manifests[i].path))
			return err_set(err, ERR_USAGE, "%s: there is no %s/%s", spec->file, spec->dir, spec->manifests[i].path);
	return 0;
}

static int add_artifacts(struct ctx *ctx, const struct lock *lock, struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < lock->n_items; i++) {
		const struct lock_item *item = &lock->items[i];
		if (!lock_item_on(item, ctx->platform))
			continue;
		const struct source_kind *kind = source_find(item->kind);
		if (!kind)
			return err_set(err, ERR_WORK, "%s: this labgen knows no artifacts of kind %s", item->id, item->kind);
		if (kind->place(ctx, item, plan, err))
			return err_wrap(err, "%s", item->id);
	}
	if (plan->n_images && oci_layout_build(ctx, plan, err))
		return -1;
	return plan->n_rootfs ? rootfs_build(ctx, plan, err) : 0;
}

int members_plan(struct ctx *ctx, struct lock *lock, const char *root, struct plan *plan, struct err *err)
{
	/* The cheap things that can be wrong come before the unpacking of packages. */
	if (add_templates(plan, ctx->spec->target, err) || add_texts(ctx, lock, plan, err) ||
		add_labverify(plan, ctx->platform, err) || members_add_lab(plan, ctx->spec->dir, err) ||
		check_named(ctx->spec, plan, err) || plan_finish(plan, root, err) || add_artifacts(ctx, lock, plan, err))
		return -1;
	return plan_finish(plan, root, err);
}
