SUMMARY = "Drives OCI containers (crun, runc) from Node.js"
LICENSE = "Apache-2.0 & MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=${DOBBY_LICENSE_MD5}"
# md5sum of package/LICENSE in the tarball; the tarball says which version it is.
DOBBY_LICENSE_MD5 ?= "3b83ef96387f14655fc854ddc3c6bd57"

SRC_URI = "file://${BPN}-${PV}.tgz"
S = "${WORKDIR}/package"

DEPENDS = "nodejs"
RDEPENDS:${PN} = "nodejs"
RRECOMMENDS:${PN} = "crun"

inherit cmake

EXTRA_OECMAKE = " \
    -DCMAKE_BUILD_TYPE=MinSizeRel \
    -DCMAKE_JS_INC=${STAGING_INCDIR}/node \
    -DNODE_ADDON_API_DIR=${S}/lib/node-addon-api \
"

do_install() {
    install -d ${D}${libdir}/node_modules/${BPN}/build/Release
    cp -r --no-preserve=ownership ${S}/lib ${S}/package.json ${S}/LICENSE ${D}${libdir}/node_modules/${BPN}/
    install -m 0755 ${B}/dobby_runc.node ${B}/dobby-keeper ${D}${libdir}/node_modules/${BPN}/build/Release/
    install -d ${D}${bindir}
    ln -s ${libdir}/node_modules/${BPN}/lib/cli.js ${D}${bindir}/dobby-runc
}

FILES:${PN} += "${libdir}/node_modules"
# Both are loaded or started by what is in lib/, not linked with.
INSANE_SKIP:${PN} += "already-stripped dev-so"
