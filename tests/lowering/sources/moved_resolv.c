/* What libresolv had before glibc 2.34: names in messages of DNS. Nobody is asked.  */

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

int run(const char *folder)
{
  (void)folder;
  unsigned char message[512] = {0}, wire[256];
  const unsigned char *names[8] = {message, NULL};
  int length = dn_comp("www.example.org", message + 12, 400, (unsigned char **)names, (unsigned char **)names + 8);
  printf("dn_comp %d\n", length);
  char text[256] = "";
  printf("dn_expand %d %s\n", dn_expand(message, message + sizeof message, message + 12, text, sizeof text), text);
  printf("dn_skipname %d\n", dn_skipname(message + 12, message + sizeof message));
  printf("of too little %d\n", dn_expand(message, message + 14, message + 12, text, sizeof text));
  printf("ns_name_pton %d\n", ns_name_pton("a.b\\.c.example", wire, sizeof wire));
  printf("ns_name_ntop %d %s\n", ns_name_ntop(wire, text, sizeof text), text);
  unsigned char query[512];
  int size = res_mkquery(QUERY, "example.org", C_IN, T_A, NULL, 0, NULL, query, sizeof query);
  printf("res_mkquery %d, %d question\n", size, query[4] << 8 | query[5]);
  return 0;
}
