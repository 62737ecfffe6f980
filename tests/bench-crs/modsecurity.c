/* Judges requests with libmodsecurity, one after the other, for `examples/rules` of hangu-inspect.
 *
 *   modsecurity FILE...      the rules, in the order in which they are read
 *
 * A request comes on standard input as fields, each its length (32 bits, low byte first) and its bytes: how many fields
 * follow (as a length alone), method, target, version, body, then names and values of headers. For each request a line
 * goes to standard output: the status it is ended with or 0, nanoseconds of processor time, and the rules that matched.
 */
#include <modsecurity/modsecurity.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RULES = 256, MOST_FIELDS = 4096 };

static char matched[MOST_RULES][16];
static int matches;

static void on_match(void *data, const void *line) {
  const char *at = strstr((const char *)line, "[id \"");
  (void)data;
  if (at && matches < MOST_RULES) {
    size_t length = strcspn(at + 5, "\"");
    if (length < sizeof matched[0]) {
      memcpy(matched[matches], at + 5, length);
      matched[matches][length] = 0;
      matches++;
    }
  }
}

static int number(uint32_t *out) {
  unsigned char bytes[4];
  if (fread(bytes, 1, 4, stdin) != 4) return 0;
  *out = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
  return 1;
}

static char *field(uint32_t *length) {
  char *bytes;
  if (!number(length) || !(bytes = malloc((size_t)*length + 1))) exit(2);
  if (fread(bytes, 1, *length, stdin) != *length) exit(2);
  bytes[*length] = 0;
  return bytes;
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int main(int count, char **files) {
  const char *error = NULL;
  uint32_t fields;
  ModSecurity *engine = msc_init();
  RulesSet *rules = msc_create_rules_set();
  msc_set_connector_info(engine, "hangu-bench-crs");
  msc_set_log_cb(engine, on_match);
  for (int i = 1; i < count; i++) {
    if (msc_rules_add_file(rules, files[i], &error) < 0) {
      fprintf(stderr, "%s: %s\n", files[i], error);
      return 2;
    }
  }
  printf("ready\n");
  fflush(stdout);
  while (number(&fields)) {
    static char *bytes[MOST_FIELDS];
    static uint32_t length[MOST_FIELDS];
    ModSecurityIntervention end = {200, 0, NULL, NULL, 0};
    uint64_t started;
    Transaction *transaction;
    int status = 0;
    if (fields < 4 || fields > MOST_FIELDS) return 2;
    for (uint32_t i = 0; i < fields; i++) bytes[i] = field(&length[i]);
    matches = 0;
    started = now();
    transaction = msc_new_transaction(engine, rules, NULL);
    msc_process_connection(transaction, "192.0.2.1", 40000, "192.0.2.2", 443);
    msc_process_uri(transaction, bytes[1], bytes[0], bytes[2]);
    for (uint32_t i = 4; i + 1 < fields; i += 2) {
      msc_add_n_request_header(transaction, (unsigned char *)bytes[i], length[i], (unsigned char *)bytes[i + 1],
                               length[i + 1]);
    }
    msc_process_request_headers(transaction);
    if (msc_intervention(transaction, &end)) status = end.status;
    if (!status) {
      if (length[3]) msc_append_request_body(transaction, (unsigned char *)bytes[3], length[3]);
      msc_process_request_body(transaction);
      if (msc_intervention(transaction, &end)) status = end.status;
    }
    msc_process_logging(transaction);
    msc_transaction_cleanup(transaction);
    printf("%d %llu", status, (unsigned long long)(now() - started));
    for (int i = 0; i < matches; i++) printf(" %s", matched[i]);
    printf("\n");
    fflush(stdout);
    free(end.log);
    free(end.url);
    for (uint32_t i = 0; i < fields; i++) free(bytes[i]);
  }
  return 0;
}
