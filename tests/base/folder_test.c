/* SPDX-License-Identifier: Apache-2.0 */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char at[] = "folder-XXXXXX";

static int setup(void **state)
{
	return mkdtemp(at) == NULL || chdir(at) != 0 ? -1 : 0;
}

static int teardown(void **state)
{
	rmdir("root");
	unlink("file");
	return chdir("..") != 0 || rmdir(at) != 0 ? -1 : 0;
}

/* Whether the file system takes the hint is asked by giving it to another folder by hand. */
static void test_spread(void **state)
{
	int folder, flags = 0, by_hand;
	struct stat st;

	assert_int_equal(folder_make_spread("root", 0700), 0);
	assert_int_equal(stat("root", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	folder = open(".", O_RDONLY | O_DIRECTORY);
	assert_true(folder >= 0);
	by_hand = FS_TOPDIR_FL;
	if (ioctl(folder, FS_IOC_GETFLAGS, &flags) == 0) {
		by_hand |= flags;
		by_hand = ioctl(folder, FS_IOC_SETFLAGS, &by_hand) == 0;
	} else {
		by_hand = 0;
	}
	close(folder);
	folder = open("root", O_RDONLY | O_DIRECTORY);
	assert_true(folder >= 0);
	if (by_hand) {
		assert_int_equal(ioctl(folder, FS_IOC_GETFLAGS, &flags), 0);
		assert_true(flags & FS_TOPDIR_FL);
	}
	close(folder);
	assert_int_equal(folder_make_spread("root", 0700), 0);
}

/* Nothing is in here but that. */
static void expect_only(const char *name)
{
	struct dirent *entry;
	DIR *dir = opendir(".");

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			assert_string_equal(entry->d_name, name);
	closedir(dir);
}

static void test_apart(void **state)
{
	struct stat st, again;

	assert_int_equal(folder_make_apart("root"), 0);
	assert_int_equal(stat("root", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	/* What is in one of that name stays. */
	assert_int_equal(mkdir("root/in", 0700), 0);
	assert_int_equal(folder_make_apart("root"), -1);
	assert_true(errno == EEXIST || errno == ENOTEMPTY);
	assert_int_equal(stat("root", &again), 0);
	assert_int_equal(again.st_ino, st.st_ino);
	expect_only("root");
	assert_int_equal(rmdir("root/in"), 0);
	assert_int_equal(folder_make_apart("none/root"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(rmdir("root"), 0);
	close(open("file", O_RDWR | O_CREAT, 0600));
	assert_int_equal(folder_make_apart("file"), -1);
	assert_int_equal(errno, ENOTDIR);
	expect_only("file");
	assert_int_equal(unlink("file"), 0);
}

static void test_not_a_folder(void **state)
{
	close(open("file", O_RDWR | O_CREAT, 0600));
	assert_int_equal(folder_make_spread("file", 0700), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(folder_make_spread("none/root", 0700), -1);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_not_a_folder),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
