#include "report.h"

#include "hash.h"
#include "json.h"
#include "mem.h"

#include <inttypes.h>
#include <string.h>

/* What each check covers, for the report's reader. */
static const char *const checks[] = {
	"The signature of SHA256SUMS (Ed25519 over its BLAKE2b-512, minisign's format) by a key given to this check.",
	"Its two comments: the lab, the version and the platform are signed with it.",
	"The SHA-256 of every member against the signed manifest.",
	"That there is no member besides those listed, and none missing, repeated or out of order.",
	"Every other byte of an archive: headers and padding are compared with the only ones that the manifest allows.",
};

static void id_hex(const struct bundle *b, char hex[HASH_HEX + 1])
{
	hash_to_hex(b->id, hex);
}

static void signer_hex(const struct bundle *b, char hex[MINISIGN_ID_HEX + 1])
{
	minisign_id_hex(b->sig.id, hex);
}

void report_line(const struct report *r, struct buf *out)
{
	char id[HASH_HEX + 1], signer[MINISIGN_ID_HEX + 1];

	id_hex(r->b, id);
	signer_hex(r->b, signer);
	buf_addf(out, "good: %s %s %s, %zu members, %" PRIu64 " bytes, signed by %s, bundle id %s\n", r->b->lab, r->b->version,
		r->b->platform, r->b->manifest.n, r->b->total, signer, id);
}

/* Ids of the keys that vouch, each by add(). */
static void each_voucher(const struct report *r, void (*add)(struct buf *out, const char *id, size_t nth), struct buf *out)
{
	size_t nth = 0;

	for (size_t i = 0; i < r->keys->n; i++) {
		char id[MINISIGN_ID_HEX + 1];
		if (!r->keys->keys[i].vouched)
			continue;
		minisign_id_hex(r->keys->keys[i].key.id, id);
		add(out, id, nth++);
	}
}

static void add_json_id(struct buf *out, const char *id, size_t nth)
{
	buf_addf(out, "%s\"%s\"", nth ? "," : "", id);
}

static void add_text_id(struct buf *out, const char *id, size_t nth)
{
	buf_addf(out, "%s%s", nth ? ", " : "", id);
}

static void json_members(const struct bundle *b, struct buf *out)
{
	for (size_t i = 0; i < b->manifest.n; i++) {
		char hex[HASH_HEX + 1];
		hash_to_hex(b->manifest.entries[i].digest, hex);
		buf_addf(out, "%s\n{\"path\":\"%s\",\"size\":%" PRIu64 ",\"sha256\":\"%s\"}", i ? "," : "",
			b->manifest.entries[i].path, b->sizes[i], hex);
	}
}

void report_json(const struct report *r, int with_members, struct buf *out)
{
	const struct bundle *b = r->b;
	char id[HASH_HEX + 1], signer[MINISIGN_ID_HEX + 1];

	id_hex(b, id);
	signer_hex(b, signer);
	buf_addf(out, "{\"verdict\":\"good\",\"tool\":\"labverify %s\",\"format\":%d,\"lab\":\"%s\",\"version\":\"%s\",\"platform\":\"%s\",",
		LABGEN_VERSION, FORMAT_VERSION, b->lab, b->version, b->platform);
	buf_addf(out, "\"root\":\"%s\",\"bundle_id\":\"%s\",\"signer\":\"%s\",\"vouched_by\":[", b->root, id, signer);
	each_voucher(r, add_json_id, out);
	buf_addf(out, "],\"checked_as\":\"%s\",\"members\":%zu,\"bytes\":%" PRIu64, r->source, b->manifest.n, b->total);
	if (with_members) {
		buf_adds(out, ",\"checks\":[");
		for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
			buf_adds(out, i ? "," : "");
			json_quote(out, checks[i]);
		}
		buf_adds(out, "],\"member\":[");
		json_members(b, out);
		buf_adds(out, "]");
	}
	buf_adds(out, "}\n");
}

void report_list(const struct report *r, struct buf *out)
{
	const struct bundle *b = r->b;
	char hex[HASH_HEX + 1], signer[MINISIGN_ID_HEX + 1];

	signer_hex(b, signer);
	id_hex(b, hex);
	buf_addf(out, "lab        %s\nversion    %s\nplatform   %s\nsigned by  %s\nvouched by ", b->lab, b->version, b->platform, signer);
	each_voucher(r, add_text_id, out);
	buf_addf(out, "\nbundle id  %s\nmembers    %zu\nbytes      %" PRIu64 "\n\n", hex, b->manifest.n, b->total);
	for (size_t i = 0; i < b->manifest.n; i++) {
		hash_to_hex(b->manifest.entries[i].digest, hex);
		buf_addf(out, "%s %12" PRIu64 "  %s\n", hex, b->sizes[i], b->manifest.entries[i].path);
	}
}

/* Members' names and words are of the format's characters, none of which HTML could take amiss. */
static const char html_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
	":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\n"
	"h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}code,td.d{font-family:ui-monospace,monospace;font-size:.85em;overflow-wrap:anywhere}\n"
	"table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #8886}\n"
	"td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td.p{overflow-wrap:anywhere}.good{border:2px solid;padding:.5rem 1rem}\n"
	"@page{size:A4;margin:15mm}@media print{body{font-size:9pt;max-width:none;margin:0;padding:0}tr{break-inside:avoid}thead{display:table-header-group}}\n"
	"</style>\n";

static void html_row(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "<tr><th scope=\"row\">%s</th><td><code>%s</code></td></tr>\n", name, value);
}

static void html_facts(const struct report *r, struct buf *out)
{
	const struct bundle *b = r->b;
	char hex[HASH_HEX + 1], signer[MINISIGN_ID_HEX + 1], number[32];
	cleanup_buf struct buf vouchers = BUF_INIT;

	signer_hex(b, signer);
	id_hex(b, hex);
	each_voucher(r, add_text_id, &vouchers);
	buf_adds(out, "<table>\n");
	html_row(out, "Lab", b->lab);
	html_row(out, "Version", b->version);
	html_row(out, "Platform", b->platform);
	html_row(out, "Bundle id (SHA-256 of SHA256SUMS)", hex);
	html_row(out, "Signed by key", signer);
	html_row(out, "Vouched for by the keys given", vouchers.data);
	(void)snprintf(number, sizeof(number), "%zu", b->manifest.n);
	html_row(out, "Members", number);
	(void)snprintf(number, sizeof(number), "%" PRIu64, b->total);
	html_row(out, "Bytes of members", number);
	html_row(out, "Checked as", r->source);
	html_row(out, "Checked by", "labverify " LABGEN_VERSION);
	buf_adds(out, "</table>\n");
}

void report_html(const struct report *r, struct buf *out)
{
	const struct bundle *b = r->b;

	buf_adds(out, html_head);
	buf_addf(out, "<title>%s %s %s: verified</title></head><body>\n<h1>Verification of %s %s for %s</h1>\n", b->lab,
		b->version, b->platform, b->lab, b->version, b->platform);
	buf_adds(out, "<p class=\"good\"><strong>Good.</strong> Every byte is what the signer signed.</p>\n");
	html_facts(r, out);
	buf_adds(out, "<h2>What was checked</h2>\n<ul>\n");
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		buf_addf(out, "<li>%s</li>\n", checks[i]);
	buf_adds(out, "</ul>\n<h2>Members</h2>\n<table>\n<thead><tr><th>Path</th><th>Bytes</th><th>SHA-256</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < b->manifest.n; i++) {
		char hex[HASH_HEX + 1];
		hash_to_hex(b->manifest.entries[i].digest, hex);
		buf_addf(out, "<tr><td class=\"p\">%s</td><td class=\"n\">%" PRIu64 "</td><td class=\"d\">%s</td></tr>\n",
			b->manifest.entries[i].path, b->sizes[i], hex);
	}
	buf_adds(out, "</tbody></table>\n</body></html>\n");
}
