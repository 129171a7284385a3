// Only here so that there is a program that the precompiled header belongs to.
int main() {
  return 0;
}
