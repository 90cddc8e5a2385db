# What people type is on the PATH, what systemd starts lives in libexec.
install(TARGETS ballastd ballastctl RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS vrrpd checkd forwardd RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/ballast)

set(SBINDIR ${CMAKE_INSTALL_FULL_SBINDIR})
set(LIBEXECDIR ${CMAKE_INSTALL_FULL_LIBEXECDIR}/ballast)
set(BALLAST_UNIT_DIR lib/systemd/system)
set(units ballastd vrrpd vrrpd-withdraw checkd forwardd)
foreach(unit IN LISTS units)
  configure_file(${CMAKE_SOURCE_DIR}/systemd/${unit}.service ${CMAKE_BINARY_DIR}/systemd/${unit}.service @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/systemd/${unit}.service DESTINATION ${BALLAST_UNIT_DIR})
endforeach()
install(FILES systemd/ballast.target DESTINATION ${BALLAST_UNIT_DIR})
install(FILES systemd/ballast.sysusers DESTINATION lib/sysusers.d RENAME ballast.conf)
install(FILES systemd/ballast.tmpfiles DESTINATION lib/tmpfiles.d RENAME ballast.conf)
# Where ballastd.service looks for it, whatever the prefix; one that is there already is its owner's.
install(CODE "
  if(NOT EXISTS \"\$ENV{DESTDIR}/etc/ballast/ballast.conf\")
    file(INSTALL DESTINATION /etc/ballast TYPE FILE FILES \"${CMAKE_SOURCE_DIR}/etc/ballast.conf\")
  endif()")
install(DIRECTORY etc/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(GLOB manual CONFIGURE_DEPENDS docs/man/*.8)
install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
