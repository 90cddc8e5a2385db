# Daemons that systemd starts live in libexec; what people type is on the PATH.
install(TARGETS ballastd ballastctl RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS vrrpd checkd forwardd RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/ballast)
