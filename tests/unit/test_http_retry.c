/* What is tried again, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_retry.h"

#include <stdlib.h>

static void test_what(void **state)
{
	(void)state;
	assert_true(http_retry_status(429) && http_retry_status(503) && http_retry_status(500) && http_retry_status(408));
	assert_false(http_retry_status(404) || http_retry_status(401) || http_retry_status(200) || http_retry_status(501));
	assert_true(http_retry_code(CURLE_COULDNT_CONNECT) && http_retry_code(CURLE_PARTIAL_FILE) &&
		http_retry_code(CURLE_OPERATION_TIMEDOUT));
	assert_false(http_retry_code(CURLE_WRITE_ERROR) || http_retry_code(CURLE_PEER_FAILED_VERIFICATION) ||
		http_retry_code(CURLE_UNSUPPORTED_PROTOCOL));
	assert_true(http_unreachable(CURLE_COULDNT_RESOLVE_HOST));
	assert_false(http_unreachable(CURLE_RECV_ERROR));
}

static void test_doubles_within_bounds(void **state)
{
	(void)state;
	for (unsigned failed = 1; failed < 40; failed++) {
		uint64_t least = http_backoff(1000, failed, 0, 0), most = least;
		for (uint64_t chance = 0; chance < 5000; chance += 7) {
			uint64_t ms = http_backoff(1000, failed, chance, 0);
			least = ms < least ? ms : least;
			most = ms > most ? ms : most;
		}
		uint64_t full = failed > 5 ? HTTP_BACKOFF_MAX_MS : 1000u << (failed - 1);
		assert_int_equal(least, full / 2);
		assert_true(most > full / 2 && most <= full);
	}
	assert_int_equal(http_backoff(0, 9, 12345, 0), 0);
}

static void test_heeds_the_server(void **state)
{
	(void)state;
	assert_int_equal(http_backoff(1000, 1, 0, 7), 7000);
	assert_int_equal(http_backoff(1000, 1, 0, 1000000), HTTP_RETRY_AFTER_MAX_S * 1000);
	assert_int_equal(http_backoff(8000, 1, 0, 1), 4000); /* our own wait is longer */
	assert_int_equal(http_backoff(1000, 1, 0, -5), 500);
}

static uint64_t base_of(const char *text)
{
	assert_int_equal(setenv("LABGEN_HTTP_BACKOFF_MS", text, 1), 0);
	return http_backoff_base();
}

static void test_environment(void **state)
{
	(void)state;
	assert_int_equal(base_of("20"), 20);
	assert_int_equal(base_of("0"), 0);
	assert_int_equal(base_of(""), HTTP_BACKOFF_MS);
	assert_int_equal(base_of("-1"), HTTP_BACKOFF_MS);
	assert_int_equal(base_of("5x"), HTTP_BACKOFF_MS);
	assert_int_equal(base_of("99999999999999999999"), HTTP_BACKOFF_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what),
		cmocka_unit_test(test_doubles_within_bounds),
		cmocka_unit_test(test_heeds_the_server),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
