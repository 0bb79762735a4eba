#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int shared;

static void *count(void *unused) {
  shared++;
  return unused;
}

int main(int words, char **word) {
  fprintf(stderr, "start\n");
  if (words < 2) return 2;
  if (strcmp(word[1], "overflow") == 0) {
    char *text = malloc(8);
    text[8] = 'x';
    return text[8];
  }
  if (strcmp(word[1], "leak") == 0) {
    char *volatile text = malloc(8);
    text = NULL;
    fprintf(stderr, "end\n");
  }
  if (strcmp(word[1], "undefined") == 0) {
    int n = 2147483647;
    n += words;
    fprintf(stderr, "%d\n", n);
  }
  if (strcmp(word[1], "race") == 0) {
    pthread_t a, b;
    pthread_create(&a, NULL, count, NULL);
    pthread_create(&b, NULL, count, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    fprintf(stderr, "end\n");
  }
  return 0;
}
