/* The header block: each field where POSIX has it, sizes and names at their limits, one spelling of the size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ustar.h"

#include <stdio.h>
#include <string.h>

static void assert_field(const unsigned char *block, size_t at, const char *want, size_t len)
{
	assert_memory_equal(block + at, want, len);
}

/* Written out by hand from POSIX.1-2017, pax, "ustar Interchange Format". */
static void test_golden(void **state)
{
	unsigned char block[FORMAT_BLOCK], zeros[FORMAT_BLOCK] = { 0 };
	struct err err;
	unsigned sum = 0;
	char checksum[9];

	(void)state;
	assert_int_equal(ustar_member(block, "r-1-linux-amd64", "bin/x", 1025, &err), 0);
	assert_field(block, 0, "r-1-linux-amd64/bin/x\0", 22);
	assert_memory_equal(block + 22, zeros, 78);
	assert_field(block, 100, "0000755\0", 8);
	assert_field(block, 108, "0000000\0", 8);
	assert_field(block, 116, "0000000\0", 8);
	assert_field(block, 124, "00000002001\0", 12);
	assert_field(block, 136, "15125334400\0", 12);
	assert_field(block, 156, "0", 1);
	assert_memory_equal(block + 157, zeros, 100);
	assert_field(block, 257, "ustar\0" "00", 8);
	assert_memory_equal(block + 265, zeros, 64);
	assert_field(block, 329, "0000000\0" "0000000\0", 16);
	assert_memory_equal(block + 345, zeros, 167);
	for (size_t i = 0; i < FORMAT_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : block[i];
	(void)snprintf(checksum, sizeof(checksum), "%06o%c ", sum, 0);
	assert_field(block, 148, checksum, 8);
	assert_int_equal(ustar_member(block, "r-1-linux-amd64", "x", 0, &err), 0);
	assert_field(block, 100, "0000644\0", 8);
}

static int encode(const char *path, uint64_t size, unsigned char block[FORMAT_BLOCK])
{
	struct err err;
	const struct ustar_entry e = { .path = path, .type = '0', .mode = 0644, .size = size };

	return ustar_encode(block, &e, &err);
}

/* A path of a first part and a last part of those lengths. */
static const char *parts(char *out, size_t first, size_t last)
{
	memset(out, 'a', first);
	out[first] = '/';
	memset(out + first + 1, 'b', last);
	out[first + 1 + last] = '\0';
	return out;
}

static void test_names(void **state)
{
	unsigned char block[FORMAT_BLOCK];
	char path[400];

	(void)state;
	memset(path, 'a', 101);
	path[100] = '\0';
	assert_int_equal(encode(path, 0, block), 0); /* fills the field: no NUL */
	assert_int_equal(block[99], 'a');
	assert_int_equal(block[345], 0);
	memset(path, 'a', 101);
	path[101] = '\0';
	assert_int_equal(encode(path, 0, block), -1);

	assert_int_equal(encode(parts(path, 155, 100), 0, block), 0);
	assert_int_equal(block[345 + 154], 'a');
	assert_int_equal(block[345 + 155], 0);
	assert_int_equal(block[0], 'b');
	assert_int_equal(block[99], 'b');
	assert_int_equal(encode(parts(path, 156, 99), 0, block), -1);
	assert_int_equal(encode(parts(path, 155, 101), 0, block), -1);
	assert_int_equal(encode(parts(path, 50, 101), 0, block), -1);
	assert_int_equal(encode(parts(path, 0, 100), 0, block), -1); /* an empty prefix would say another name */
	assert_int_equal(encode(parts(path, 50, 50), 0, block), 0);
	assert_int_equal(block[345], 'a');
}

static void test_sizes(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 511, 512, 513, (1ull << 31) - 1, 1ull << 31, (1ull << 31) + 1, 1ull << 32,
		(1ull << 33) - 2, (1ull << 33) - 1 };
	unsigned char block[FORMAT_BLOCK];
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_int_equal(encode("x", sizes[i], block), 0);
		assert_int_equal(ustar_size(block, &got), 0);
		assert_true(got == sizes[i]);
		assert_int_equal((sizes[i] + ustar_padding(sizes[i])) % FORMAT_BLOCK, 0);
		assert_true(ustar_padding(sizes[i]) < FORMAT_BLOCK);
	}
	assert_true(FORMAT_SIZE_MAX == (1ull << 33) - 1);
	assert_int_equal(encode("x", 1ull << 33, block), -1);
	assert_int_equal(encode("x", UINT64_MAX, block), -1);
}

static void test_size_spelling(void **state)
{
	static const char *const bad[] = { "0000000001 ", "00000000018", "           ", "0000000000x", "-0000000001", "+0000000001",
		" 0000000001", "000000001\0\0", "\x80\0\0\0\0\0\0\0\0\0\1", "0x000000001", "0000000000\0" };
	unsigned char block[FORMAT_BLOCK];
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(encode("x", 1, block), 0);
		memcpy(block + 124, bad[i], 11);
		assert_int_equal(ustar_size(block, &got), -1);
	}
	for (int c = 1; c < 256; c++) {
		assert_int_equal(encode("x", 1, block), 0);
		block[135] = (unsigned char)c;
		assert_int_equal(ustar_size(block, &got), -1);
	}
}

static void test_links(void **state)
{
	unsigned char block[FORMAT_BLOCK];
	char target[102];
	struct err err;
	struct ustar_entry e = { .path = "x", .link = target, .type = '2', .mode = 0777 };

	(void)state;
	memset(target, 't', sizeof(target));
	target[100] = '\0';
	assert_int_equal(ustar_encode(block, &e, &err), 0);
	assert_field(block, 257, "ustar", 5);
	target[100] = 't';
	target[101] = '\0';
	assert_int_equal(ustar_encode(block, &e, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

static void test_member_name_max(void **state)
{
	unsigned char block[FORMAT_BLOCK];
	char path[FORMAT_NAME_MAX + 1];
	struct err err;

	(void)state;
	assert_int_equal(ustar_member(block, "r", parts(path, 100, 97), 0, &err), 0); /* r/ and 198: 200 */
	assert_int_equal(ustar_member(block, "r", parts(path, 100, 98), 0, &err), -1);
	assert_int_equal(ustar_member(block, "rr", parts(path, 100, 97), 0, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_size_spelling),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_member_name_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
