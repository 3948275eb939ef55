# What every target of Tandem shares: language level, warnings, sanitizers, third-party packages, and the functions that
# make one target a folder.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(XxHash REQUIRED)
find_package(Utf8Proc REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OneDnn REQUIRED)

add_library(tandem_options INTERFACE)
target_include_directories(tandem_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(tandem_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    $<$<BOOL:${TANDEM_WERROR}>:-Werror>>)
if(TANDEM_SANITIZE)
  target_compile_options(tandem_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${TANDEM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer>)
  # GCC 12 takes parts of <regex> for uninitialised once the sanitizers have instrumented them.
  target_compile_options(tandem_options INTERFACE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
  target_link_options(tandem_options INTERFACE -fsanitize=${TANDEM_SANITIZE})
endif()
target_link_libraries(tandem_options INTERFACE fmt::fmt Threads::Threads)

# tandem_library(FOLDER [DEPENDENCY ...]): the target tandem_FOLDER from the folder's sources. Sources named
# tandem_*.cpp are programs, not part of the library.
function(tandem_library folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/tandem_[a-z]+\\.cpp$")
  add_library(tandem_${folder} STATIC ${sources})
  target_link_libraries(tandem_${folder} PUBLIC tandem_options)
  foreach(dependency IN LISTS ARGN)
    target_link_libraries(tandem_${folder} PUBLIC tandem_${dependency})
  endforeach()
endfunction()

# tandem_program(NAME [FOLDER ...]): the program tandem-NAME from tandem_NAME.cpp.
function(tandem_program name)
  add_executable(tandem-${name} tandem_${name}.cpp)
  target_link_libraries(tandem-${name} PRIVATE CLI11::CLI11)
  foreach(dependency IN LISTS ARGN)
    target_link_libraries(tandem-${name} PRIVATE tandem_${dependency})
  endforeach()
endfunction()
