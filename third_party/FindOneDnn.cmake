# Defines OneDnn::OneDnn (oneDNN 2.6 or newer, Apache-2.0). The distribution's own CMake package also asks for OpenCL,
# which Tandem does not use.
find_path(OneDnn_INCLUDE_DIR dnnl.hpp)
find_library(OneDnn_LIBRARY dnnl)
# Versions before 2 have it elsewhere.
if(OneDnn_INCLUDE_DIR AND EXISTS ${OneDnn_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h)
  file(STRINGS ${OneDnn_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h OneDnn_LINES
    REGEX "#define DNNL_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
  string(REGEX REPLACE "[^0-9;]" "" OneDnn_VERSION "${OneDnn_LINES}")
  string(REPLACE ";" "." OneDnn_VERSION "${OneDnn_VERSION}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OneDnn REQUIRED_VARS OneDnn_LIBRARY OneDnn_INCLUDE_DIR VERSION_VAR OneDnn_VERSION
  REASON_FAILURE_MESSAGE "install libdnnl-dev, or run scripts/install-deps.sh")
if(OneDnn_FOUND AND "${OneDnn_VERSION}" VERSION_LESS 2.6)
  message(FATAL_ERROR "oneDNN ${OneDnn_VERSION} in ${OneDnn_INCLUDE_DIR}, expected 2.6 or newer")
endif()
if(OneDnn_FOUND AND NOT TARGET OneDnn::OneDnn)
  add_library(OneDnn::OneDnn UNKNOWN IMPORTED)
  set_target_properties(OneDnn::OneDnn PROPERTIES IMPORTED_LOCATION ${OneDnn_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OneDnn_INCLUDE_DIR})
endif()
mark_as_advanced(OneDnn_INCLUDE_DIR OneDnn_LIBRARY)
