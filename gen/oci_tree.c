#include "oci_tree.h"

#include "buf.h"
#include "fs.h"
#include "mem.h"

#include <string.h>

#define OPENED_MAX 40	/* times that indexes in indexes are read: in search of the platform, and again of what is besides */

/* A walk through documents. */
struct walk {
	const struct store *store;
	const char *os, *arch;
	size_t os_len;
	struct oci_tree *tree;
	struct oci_need *need;
	int opened;		/* indexes in indexes so far */
	struct buf seen;	/* platforms that there are, for the message */
};

enum { FOUND = 0, LACKS = 1, FAILED = -1, NO_MATCH = 2 };

void oci_tree_release(struct oci_tree *tree)
{
	oci_desc_release(&tree->top);
	for (size_t i = 0; i < tree->n_besides; i++)
		oci_desc_release(&tree->besides[i]);
	oci_desc_release(&tree->manifest);
	oci_desc_release(&tree->config);
	for (size_t i = 0; i < tree->n_layers; i++)
		oci_desc_release(&tree->layers[i]);
	free(tree->layers);
	*tree = (struct oci_tree){ 0 };
}

static int lacks(struct walk *w, const char *digest, uint64_t size, int blob)
{
	memcpy(w->need->digest, digest, HASH_HEX + 1);
	w->need->size = size;
	w->need->blob = blob;
	return LACKS;
}

/* Reads a small blob of the store, held against its digest, and against its size where that is not 0. */
static int load(struct walk *w, const char *digest, uint64_t size, int blob, struct buf *text, struct err *err)
{
	unsigned char hash[FORMAT_DIGEST];
	char hex[HASH_HEX + 1];
	uint64_t has;
	size_t max = blob ? OCI_CONFIG_MAX : OCI_DOC_MAX;

	if (size > max)
		return err_set(err, ERR_WORK, "sha256:%s: %llu bytes, and at most %zu are taken", digest, (unsigned long long)size, max);
	if (!store_has(w->store, digest, &has))
		return lacks(w, digest, size, blob);
	if (size && size != has)
		return err_set(err, ERR_AUTH, "sha256:%s has %llu bytes, and what refers to it says %llu", digest,
			(unsigned long long)has, (unsigned long long)size);
	cleanup_close int fd = store_blob(w->store, digest, err);
	if (fd < 0 || fs_slurp_fd(fd, digest, max, text, err) < 0)
		return FAILED;
	hash_bytes(text->data ? text->data : "", text->len, hash);
	hash_to_hex(hash, hex);
	if (strcmp(hex, digest) == 0)
		return FOUND;
	store_drop(w->store, digest);
	return lacks(w, digest, size, blob);
}

static int load_doc(struct walk *w, const char *digest, uint64_t size, struct oci_doc *doc, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	int status = load(w, digest, size, 0, &text, err);

	if (status == FOUND && oci_doc_parse(doc, text.data, text.len, err) < 0)
		return err_wrap(err, "sha256:%s", digest);
	return status;
}

static int is_wanted(const struct walk *w, const char *os, const char *arch, const char *variant)
{
	if (strlen(os) != w->os_len || strncmp(os, w->os, w->os_len) != 0 || strcmp(arch, w->arch) != 0)
		return 0;
	/* Each machine of the architecture runs these; a higher variant may not run everywhere. */
	return !variant || strcmp(variant, strcmp(arch, "arm64") == 0 ? "v8" : "v1") == 0;
}

static void note_seen(struct walk *w, const char *os, const char *arch, const char *variant)
{
	if (strcmp(os, "unknown") != 0 && w->seen.len < 200) /* such are attestations */
		buf_addf(&w->seen, "%s%s/%s%s%s", w->seen.len ? ", " : "", os, arch, variant ? "/" : "", variant ? variant : "");
}

/* A manifest that nobody said the platform of: its configuration does. */
static int check_config(struct walk *w, const struct oci_desc *config, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	int status = load(w, config->digest, config->size, 1, &text, err);

	if (status != FOUND)
		return status;
	cleanup_free char *os = NULL;
	cleanup_free char *arch = NULL;
	if (oci_config_platform(text.data, text.len, &os, &arch, err) < 0)
		return err_wrap(err, "configuration sha256:%s", config->digest);
	note_seen(w, os, arch, NULL);
	return is_wanted(w, os, arch, NULL) ? FOUND : NO_MATCH;
}

/* Takes a manifest as the answer, doc's lists included. */
static int take_manifest(struct walk *w, struct oci_doc *doc, const char *digest, uint64_t size, int platform_known,
	struct err *err)
{
	struct oci_tree *t = w->tree;

	if (oci_doc_check_image(doc, err) < 0)
		return err_wrap(err, "manifest sha256:%s", digest);
	int status = platform_known ? FOUND : check_config(w, &doc->config, err);
	if (status != FOUND)
		return status;
	t->manifest = (struct oci_desc){ .media_type = xstrdup(doc->media_type), .size = size };
	memcpy(t->manifest.digest, digest, HASH_HEX + 1);
	t->config = doc->config;
	t->layers = doc->list;
	t->n_layers = doc->n;
	*doc = (struct oci_doc){ 0 };
	return FOUND;
}

static int enter_manifest(struct walk *w, const struct oci_desc *entry, int platform_known, struct err *err)
{
	cleanup_oci_doc struct oci_doc doc = { 0 };
	int status = load_doc(w, entry->digest, entry->size, &doc, err);

	if (status != FOUND)
		return status;
	if (strcmp(doc.media_type, entry->media_type) != 0)
		return err_set(err, ERR_WORK, "sha256:%s: the index says that it is a %s, and it is a %s", entry->digest,
			entry->media_type, doc.media_type);
	return take_manifest(w, &doc, entry->digest, entry->size, platform_known, err);
}

static int load_index(struct walk *w, const struct oci_desc *entry, int depth, struct oci_doc *doc, struct err *err)
{
	if (depth == OCI_DEPTH_MAX || ++w->opened > OPENED_MAX)
		return err_set(err, ERR_WORK, "sha256:%s: too many indexes in indexes: at most %d, and %d deep", entry->digest,
			OPENED_MAX, OCI_DEPTH_MAX);
	int status = load_doc(w, entry->digest, entry->size, doc, err);
	if (status == FOUND && (doc->type != OCI_INDEX || strcmp(doc->media_type, entry->media_type) != 0))
		return err_set(err, ERR_WORK, "sha256:%s: the index says that it is a %s, and it is a %s", entry->digest,
			entry->media_type, doc->media_type);
	return status;
}

static int search(struct walk *w, const struct oci_doc *index, int depth, struct err *err);

static int enter_index(struct walk *w, const struct oci_desc *entry, int depth, struct err *err)
{
	cleanup_oci_doc struct oci_doc doc = { 0 };

	int status = load_index(w, entry, depth, &doc, err);
	return status == FOUND ? search(w, &doc, depth + 1, err) : status;
}

/* First the manifests of the platform, then nested indexes, at last manifests that do not say for what they are. */
static int search(struct walk *w, const struct oci_doc *index, int depth, struct err *err)
{
	int status = NO_MATCH;

	for (size_t i = 0; i < index->n && status == NO_MATCH; i++) {
		const struct oci_desc *e = &index->list[i];
		if (!e->os || !e->arch || !oci_is_manifest(e->media_type))
			continue;
		note_seen(w, e->os, e->arch, e->variant);
		if (is_wanted(w, e->os, e->arch, e->variant))
			status = enter_manifest(w, e, 1, err);
	}
	for (size_t i = 0; i < index->n && status == NO_MATCH; i++) {
		const struct oci_desc *e = &index->list[i];
		if (oci_is_index(e->media_type) && (!e->os || !e->arch || is_wanted(w, e->os, e->arch, e->variant)))
			status = enter_index(w, e, depth, err);
	}
	for (size_t i = 0; i < index->n && status == NO_MATCH; i++) {
		const struct oci_desc *e = &index->list[i];
		if (oci_is_manifest(e->media_type) && (!e->os || !e->arch))
			status = enter_manifest(w, e, 0, err);
	}
	return status;
}

/* Whether an engine on the wanted platform opens the entry: github.com/containerd/platforms, Only(). */
static int is_opened(const struct walk *w, const struct oci_desc *e)
{
	if (!oci_is_index(e->media_type) && !oci_is_manifest(e->media_type))
		return 0;
	if (!e->os || !e->arch || is_wanted(w, e->os, e->arch, e->variant))
		return 1;
	return strlen(e->os) == w->os_len && strncmp(e->os, w->os, w->os_len) == 0 &&
		((strcmp(w->arch, "amd64") == 0 && strcmp(e->arch, "386") == 0) ||
			(strcmp(w->arch, "arm64") == 0 && strcmp(e->arch, "arm") == 0));
}

static int is_known(const struct oci_tree *t, const char *digest)
{
	for (size_t i = 0; i < t->n_besides; i++)
		if (strcmp(t->besides[i].digest, digest) == 0)
			return 1;
	return strcmp(t->manifest.digest, digest) == 0 || strcmp(t->top.digest, digest) == 0;
}

/* Lists what an engine opens besides the image's manifest. */
static int list_besides(struct walk *w, const struct oci_doc *index, int depth, struct err *err)
{
	struct oci_tree *t = w->tree;
	uint64_t size;

	for (size_t i = 0; i < index->n; i++) {
		const struct oci_desc *e = &index->list[i];
		cleanup_oci_doc struct oci_doc doc = { 0 };
		if (!is_opened(w, e) || is_known(t, e->digest))
			continue;
		if (t->n_besides == OCI_BESIDES_MAX)
			return err_set(err, ERR_WORK, "it has more than %d documents for machines of its kind", OCI_BESIDES_MAX);
		if (e->size > OCI_DOC_MAX)
			return err_set(err, ERR_WORK, "sha256:%s: over %u bytes", e->digest, OCI_DOC_MAX);
		if (!store_has(w->store, e->digest, &size))
			return lacks(w, e->digest, e->size, 0);
		oci_desc_copy(&t->besides[t->n_besides++], e);
		if (!oci_is_index(e->media_type))
			continue;
		int status = load_index(w, e, depth, &doc, err);
		if (status == FOUND)
			status = list_besides(w, &doc, depth + 1, err);
		if (status != FOUND)
			return status;
	}
	return FOUND;
}

static int find(struct walk *w, const char *top, struct err *err)
{
	cleanup_oci_doc struct oci_doc doc = { 0 };
	struct oci_desc *d = &w->tree->top;
	uint64_t size = 0;
	int status = load_doc(w, top, 0, &doc, err);

	if (status != FOUND)
		return status;
	(void)store_has(w->store, top, &size);
	d->media_type = xstrdup(doc.media_type);
	d->size = size;
	memcpy(d->digest, top, HASH_HEX);
	if (doc.type == OCI_MANIFEST)
		return take_manifest(w, &doc, d->digest, size, 0, err);
	status = search(w, &doc, 0, err);
	return status == FOUND ? list_besides(w, &doc, 0, err) : status;
}

int oci_tree_find(const struct store *store, const char *top, const char *platform, struct oci_tree *tree,
	struct oci_need *need, struct err *err)
{
	size_t os = strcspn(platform, "/");
	struct walk w = { .store = store, .os = platform, .os_len = os, .arch = platform + os + (platform[os] == '/'),
		.tree = tree, .need = need };

	*tree = (struct oci_tree){ 0 };
	int status = find(&w, top, err);
	if (status == NO_MATCH)
		status = err_set(err, ERR_WORK, "it is not for %s; it is for %s", platform, w.seen.len ? w.seen.data : "no platform");
	buf_release(&w.seen);
	return status;
}
