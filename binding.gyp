{
  "targets": [
    {
      "target_name": "dobby_runc",
      # Every native/*.cc is the addon's; CMakeLists.txt takes the same files.
      "sources": ["<!@(node -p \"require('fs').readdirSync('native').filter((f) => f.endsWith('.cc')).map((f) => 'native/' + f).join(' ')\")"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "_GNU_SOURCE", "_GLIBCXX_ASSERTIONS", "_FILE_OFFSET_BITS=64"],
      "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-psabi"],
      "cflags_cc!": ["-std=gnu++14", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fno-rtti", "-ffunction-sections", "-fdata-sections"],
      "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,--gc-sections", "-Wl,--exclude-libs,ALL", "-Wl,--version-script=../native/exports.map", "-Wl,-z,relro,-z,now,-z,nodelete"]
    },
    {
      # Small and static, since there is one of it for every process that is kept; dynamic where there is no libc.a.
      "target_name": "dobby-keeper",
      "type": "executable",
      "sources": ["native/keeper/keeper.c"],
      "defines!": ["BUILDING_NODE_EXTENSION"],
      "cflags": ["-Wall", "-Wextra", "-O2", "-ffunction-sections"],
      "ldflags": ["<!(echo 'int main(void){return 0;}' | ${CC:-cc} -static -x c - -o /dev/null 2>/dev/null && echo -static || echo -Wl,-O1)", "-Wl,--gc-sections", "-s"]
    }
  ]
}
