#include "http_retry.h"

#include <stdlib.h>

int http_unreachable(CURLcode rc)
{
	return rc == CURLE_COULDNT_RESOLVE_HOST || rc == CURLE_COULDNT_RESOLVE_PROXY || rc == CURLE_COULDNT_CONNECT;
}

int http_retry_code(CURLcode rc)
{
	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return 1;
	default:
		return 0;
	}
}

int http_retry_status(long status)
{
	switch (status) {
	case 408: /* request timeout */
	case 425: /* too early */
	case 429: /* too many requests */
	case 500:
	case 502:
	case 503:
	case 504:
		return 1;
	default:
		return 0;
	}
}

uint64_t http_backoff_base(void)
{
	const char *text = getenv("LABGEN_HTTP_BACKOFF_MS");
	char *end;

	if (!text || *text < '0' || *text > '9')
		return HTTP_BACKOFF_MS;
	unsigned long ms = strtoul(text, &end, 10);
	return *end || ms > HTTP_BACKOFF_MAX_MS ? HTTP_BACKOFF_MS : ms;
}

uint64_t http_backoff(uint64_t base, unsigned failed, uint64_t chance, int64_t retry_after)
{
	uint64_t ms = base;

	for (unsigned i = 1; i < failed && ms < HTTP_BACKOFF_MAX_MS; i++)
		ms *= 2;
	if (ms > HTTP_BACKOFF_MAX_MS)
		ms = HTTP_BACKOFF_MAX_MS;
	ms = ms / 2 + chance % (ms / 2 + 1);
	if (retry_after > HTTP_RETRY_AFTER_MAX_S)
		retry_after = HTTP_RETRY_AFTER_MAX_S;
	if (retry_after > 0 && (uint64_t)retry_after * 1000 > ms)
		ms = (uint64_t)retry_after * 1000;
	return ms;
}
